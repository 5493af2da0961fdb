// SPDX-License-Identifier: Apache-2.0
// A vocabulary's logits of all rows would be the largest array of a pass. They are made a stretch
// of outputs at a time and folded into answers (predict.c), and for few candidates only those.
#include "model/forward/head.h"

#include <string.h>

#include "model/forward/blocks.h"
#include "model/forward/predict.h"
#include "model/forward/state.h"
#include "model/kernels/kernels.h"

status head_list_rows(pass *p)
{
    const model_info *i = &p->m->config.info;
    const tile *t = &p->tile;
    const bool images = i->modality == MODALITY_IMAGE;
    p->head_rows = 0;
    for (int64_t s = 0; s < t->samples; s++) {
        int64_t end = images ? t->first_row[s] + 1 : t->first_row[s + 1];
        p->head_first[s] = p->head_rows;
        for (int64_t row = t->first_row[s]; row < end; row++) {
            int32_t target = t->target[images ? s : row];
            if (target >= i->outputs)
                return status_fail(ERR_INPUT, "model", "target %d, but there are %d outputs",
                                   target, i->outputs);
            if (target < 0)
                continue;
            p->predictions[p->head_rows] = (prediction){.row = images ? s : row, .rank = target};
            p->head_row[p->head_rows++] = row;
        }
    }
    p->head_first[t->samples] = p->head_rows;
    return OK;
}

// Caps n logits where the model does.
static void cap_logits(const pass *p, float *logits, size_t n)
{
    const double cap = p->m->config.logit_cap;
    if (cap > 0)
        kernel_soft_cap(logits, n, 1, (float)cap);
}

// The logits of one scored row in p->whole.
static status logits_of_row(pass *p, const linear *output, int64_t row)
{
    status st = OK;
    const operand all = block_normed(p);
    const operand x = {all.x ? all.x + row * all.stride : NULL,
                       all.half ? all.half + row * all.half_stride : NULL, all.stride,
                       all.half_stride, 1};
    for (int first = 0; first < output->out; first += PASS_OUTPUTS) {
        int left = output->out - first, n = left < PASS_OUTPUTS ? left : PASS_OUTPUTS;
        linear part = linear_outputs(output, first, n);
        TRY(linear_apply(p->products, &part, &x, NULL, p->logits, n));
        memcpy(p->whole + first, p->logits, (size_t)n * sizeof *p->whole);
    }
    cap_logits(p, p->whole, (size_t)output->out);
done:
    return st;
}

// A candidate's logit in each scored row. Packed outputs are had by whole blocks.
static status logits_of_candidate(pass *p, const linear *output, const operand *x, int candidate,
                                  float *out)
{
    status st;
    const int begin = output->packed.at ? candidate / PACK_OUTPUTS * PACK_OUTPUTS : candidate;
    int n = output->packed.at ? output->out - begin : 1;
    n = n < PACK_OUTPUTS ? n : PACK_OUTPUTS;
    const linear part = linear_outputs(output, begin, n);
    TRY(linear_apply(p->products, &part, x, NULL, p->mlp, n));
    for (int64_t r = 0; r < p->rows; r++)
        out[r] = p->mlp[r * n + candidate - begin];
    cap_logits(p, out, (size_t)p->rows);
done:
    return st;
}

// Shows the candidates' logits of each scored row. They are computed by themselves: a row of the
// whole vocabulary reads all of the head's weights.
static status show_candidates(pass *p, const linear *output)
{
    status st = OK;
    const forward *f = p->f;
    const int n = f->n_candidates;
    float *one = p->whole,
          *rows = p->logits; // n logits of a row; of all rows, candidate by candidate
    const operand x = block_normed(p);
    for (int i = 0; i < n; i++)
        TRY(logits_of_candidate(p, output, &x, f->candidates[i], rows + i * p->rows));
    for (int64_t r = 0; r < p->rows && st == OK; r++) {
        for (int i = 0; i < n; i++)
            one[i] = rows[i * p->rows + r];
        st = f->logits(f->context, p->index, p->thread, &p->tile, p->predictions[r].row, one);
    }
done:
    return st;
}

// Shows the logits of each scored row, one row at a time.
static status show_logits(pass *p, const linear *output)
{
    status st = OK;
    const forward *f = p->f;
    for (int64_t r = 0; r < p->rows && st == OK; r++) {
        st = logits_of_row(p, output, r);
        if (st != OK)
            break;
        st = f->logits(f->context, p->index, p->thread, &p->tile, p->predictions[r].row, p->whole);
    }
    return st;
}

// Folds the logits of all scored rows into answers, a tile of the outputs at a time.
static status fold_logits(pass *p, const linear *output)
{
    status st = OK;
    size_t at;
    const operand x = block_normed(p);
    for (int64_t r = 0; r < p->rows; r++)
        predict_begin(&p->answers[r], p->predictions[r].rank); // the target waited there
    for (int first = 0; first < output->out; first += PASS_OUTPUTS) {
        int left = output->out - first, n = left < PASS_OUTPUTS ? left : PASS_OUTPUTS;
        linear part = linear_outputs(output, first, n);
        TRY(linear_apply(p->products, &part, &x, NULL, p->logits, n));
        if (!kernel_finite(p->logits, (size_t)p->rows * (size_t)n, &at))
            return status_fail(ERR_NUMERIC, "model", "NaN or infinity in the logits");
        cap_logits(p, p->logits, (size_t)p->rows * (size_t)n);
        for (int64_t r = 0; r < p->rows; r++)
            predict_add(&p->answers[r], p->logits + r * n, first, n);
    }
    for (int64_t r = 0; r < p->rows; r++)
        predict_end(&p->answers[r], &p->predictions[r]);
done:
    return st;
}

status head_answer(pass *p)
{
    status st = OK;
    const forward *f = p->f;
    const linear output = p->m->arch->output(p->m);
    block_narrow(p);
    if (p->rows > 0) {
        TRY(p->m->arch->finish(p));
        TRY(fold_logits(p, &output));
        if (f->logits)
            TRY(f->candidates ? show_candidates(p, &output) : show_logits(p, &output));
    }
    if (f->result)
        TRY(f->result(f->context, p->index, p->thread, &p->tile, p->predictions, p->rows));
done:
    return st;
}
