// SPDX-License-Identifier: Apache-2.0
// A vocabulary's logits of all rows would be the largest array of a pass. They are made a stretch
// of outputs at a time and folded into answers (predict.c), and for few candidates only those.
#include "model/forward/head.h"

#include <string.h>

#include "model/forward/blocks.h"
#include "model/forward/cpu_blocks.h"
#include "model/forward/predict.h"
#include "model/forward/state.h"
#include "model/kernels/kernels.h"

// Rows whose outputs are averaged.
static int rows_each(const pass *p)
{
    return p->m->config.features & FEATURE_TWO_HEADS ? 2 : 1;
}

status head_list_rows(pass *p)
{
    const model_info *i = &p->m->config.info;
    const tile *t = &p->tile;
    const bool images = i->modality == MODALITY_IMAGE;
    const int each = rows_each(p);
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
            p->predictions[p->head_rows / each] =
                (prediction){.row = images ? s : row, .rank = target};
            for (int k = 0; k < each; k++)
                p->head_row[p->head_rows++] = row + k;
        }
    }
    p->head_first[t->samples] = p->head_rows;
    return OK;
}

// Outputs [first, first + n) of the scored rows [row, row + rows), in out [rows, n].
static status make_outputs(pass *p, int first, int n, int64_t row, int64_t rows, float *out)
{
    status st;
    const arch *a = p->m->arch;
    const int each = rows_each(p);
    const linear output = a->output(p->m), part = linear_outputs(&output, first, n);
    const operand all = cpu_normed(p);
    operand x = {all.x ? all.x + row * each * all.stride : NULL,
                 all.half ? all.half + row * each * all.half_stride : NULL, all.stride * each,
                 all.half_stride * each, rows};
    TRY(linear_apply(p->products, &part, &x, NULL, out, n));
    if (each == 1)
        goto done;
    const linear second = a->second_output(p->m), other = linear_outputs(&second, first, n);
    x.x = x.x ? x.x + all.stride : NULL;
    x.half = x.half ? x.half + all.half_stride : NULL;
    TRY(linear_add(p->products, &other, &x, out, n));
    kernel_scale(out, rows * n, 0.5F, out);
done:
    return st;
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
    for (int first = 0; first < output->out; first += PASS_OUTPUTS) {
        int left = output->out - first, n = left < PASS_OUTPUTS ? left : PASS_OUTPUTS;
        TRY(make_outputs(p, first, n, row, 1, p->logits));
        memcpy(p->whole + first, p->logits, (size_t)n * sizeof *p->whole);
    }
    cap_logits(p, p->whole, (size_t)output->out);
done:
    return st;
}

// A candidate's logit in each scored row. Packed outputs are had by whole blocks.
static status logits_of_candidate(pass *p, const linear *output, int candidate, int64_t rows,
                                  float *out)
{
    status st;
    const int begin = output->packed.at ? candidate / PACK_OUTPUTS * PACK_OUTPUTS : candidate;
    int n = output->packed.at ? output->out - begin : 1;
    n = n < PACK_OUTPUTS ? n : PACK_OUTPUTS;
    TRY(make_outputs(p, begin, n, 0, rows, p->mlp));
    for (int64_t r = 0; r < rows; r++)
        out[r] = p->mlp[r * n + candidate - begin];
    cap_logits(p, out, (size_t)rows);
done:
    return st;
}

// Shows the candidates' logits of each scored row. They are computed by themselves: a row of the
// whole vocabulary reads all of the head's weights.
static status show_candidates(pass *p, const linear *output, int64_t scored)
{
    status st = OK;
    const forward *f = p->f;
    const int n = f->n_candidates;
    float *one = p->whole,
          *rows = p->logits; // n logits of a row; of all rows, candidate by candidate
    for (int i = 0; i < n; i++)
        TRY(logits_of_candidate(p, output, f->candidates[i], scored, rows + i * scored));
    for (int64_t r = 0; r < scored && st == OK; r++) {
        for (int i = 0; i < n; i++)
            one[i] = rows[i * scored + r];
        st = f->logits(f->context, p->index, p->thread, &p->tile, p->predictions[r].row, one);
    }
done:
    return st;
}

// Shows the logits of each scored row, one row at a time.
static status show_logits(pass *p, const linear *output, int64_t scored)
{
    status st = OK;
    const forward *f = p->f;
    for (int64_t r = 0; r < scored && st == OK; r++) {
        st = logits_of_row(p, output, r);
        if (st != OK)
            break;
        st = f->logits(f->context, p->index, p->thread, &p->tile, p->predictions[r].row, p->whole);
    }
    return st;
}

// Folds the logits of all scored rows into answers, a tile of the outputs at a time.
static status fold_logits(pass *p, const linear *output, int64_t scored)
{
    status st = OK;
    size_t at;
    for (int64_t r = 0; r < scored; r++)
        predict_begin(&p->answers[r], p->predictions[r].rank); // the target waited there
    for (int first = 0; first < output->out; first += PASS_OUTPUTS) {
        int left = output->out - first, n = left < PASS_OUTPUTS ? left : PASS_OUTPUTS;
        TRY(make_outputs(p, first, n, 0, scored, p->logits));
        if (!kernel_finite(p->logits, (size_t)scored * (size_t)n, &at))
            return status_fail(ERR_NUMERIC, "model", "NaN or infinity in the logits");
        cap_logits(p, p->logits, (size_t)scored * (size_t)n);
        for (int64_t r = 0; r < scored; r++)
            predict_add(&p->answers[r], p->logits + r * n, first, n);
    }
    for (int64_t r = 0; r < scored; r++)
        predict_end(&p->answers[r], &p->predictions[r]);
done:
    return st;
}

status head_answer(pass *p)
{
    status st;
    const forward *f = p->f;
    const linear output = p->m->arch->output(p->m);
    TRY(block_narrow(p));
    const int64_t scored = p->rows / rows_each(p);
    if (scored > 0) {
        TRY(p->m->arch->finish(p));
        TRY(fold_logits(p, &output, scored));
        if (f->logits)
            TRY(f->candidates ? show_candidates(p, &output, scored)
                              : show_logits(p, &output, scored));
    }
    if (f->result)
        TRY(f->result(f->context, p->index, p->thread, &p->tile, p->predictions, scored));
done:
    return st;
}
