// SPDX-License-Identifier: Apache-2.0
// Logits are folded into answers a stretch of outputs at a time, as on a CPU; of each scored row one
// answer comes back.
#include "model/device/device_head.h"

#include <stdlib.h>
#include <string.h>

#include "model/device/device_totals.h"
#include "model/forward/blocks.h"
#include "model/forward/predict.h"
#include "pipeline/base/checked.h"

// Rows whose outputs are averaged.
static int rows_each(const pass *p)
{
    return p->m->config.features & FEATURE_TWO_HEADS ? 2 : 1;
}

// How many logits of a row are wanted.
static int logits_each(const pass *p)
{
    const forward *f = p->f;
    return !f->logits ? 0 : f->candidates ? f->n_candidates : p->m->config.info.outputs;
}

// Halves n logits of each row, which are the sums of two heads'.
static status halve_logits(const pass *p, int64_t rows, int n)
{
    status st;
    const device_model *d = p->device->d;
    device_pass *b = p->device;
    for (int64_t r = 0; r < rows; r++)
        b->index[r] = (int32_t)r;
    TRY_DEVICE(
        d, d->ops->upload(d->device, b->index, (size_t)rows * sizeof *b->index, d->arrays.index));
    TRY_DEVICE(d, d->ops->embed(d->device, &(device_embed){.table = d->arrays.logits,
                                                           .index = d->arrays.index,
                                                           .rows = rows,
                                                           .width = n,
                                                           .scale = 0.5F,
                                                           .to = d->arrays.logits}));
done:
    return st;
}

// Outputs [first, first + n) of all scored rows, in arrays.logits [rows, n].
static status make_outputs(const pass *p, int first, int n, int64_t rows)
{
    status st;
    const device_model *d = p->device->d;
    const arch *a = p->m->arch;
    const int each = rows_each(p), hidden = p->m->config.info.hidden_size;
    const linear output = a->output(p->m), part = linear_outputs(&output, first, n);
    const char *x = d->arrays.normed;
    TRY(device_product(d, &part, x, (int64_t)each * hidden, rows, false, d->arrays.logits, n));
    if (each == 1)
        goto done;
    const linear second = a->second_output(p->m), other = linear_outputs(&second, first, n);
    x += (size_t)hidden * device_value_bytes(d);
    TRY(device_product(d, &other, x, (int64_t)each * hidden, rows, true, d->arrays.logits, n));
    TRY(halve_logits(p, rows, n));
done:
    return st;
}

// Of outputs [first, first + n), those that are wanted, to out [rows, logits_each].
static status keep_logits(const pass *p, int first, int n, int64_t rows, float *whole, float *out)
{
    const device_model *d = p->device->d;
    const forward *f = p->f;
    const int each = logits_each(p);
    status st = device_check(d, d->ops->download(d->device, d->arrays.logits,
                                                 (size_t)rows * (size_t)n * sizeof *whole, whole));
    for (int64_t r = 0; st == OK && r < rows; r++) {
        if (!f->candidates)
            memcpy(out + r * each + first, whole + r * n, (size_t)n * sizeof *out);
        for (int i = 0; f->candidates && i < each; i++)
            if (f->candidates[i] >= first && f->candidates[i] < first + n)
                out[r * each + i] = whole[r * n + f->candidates[i] - first];
    }
    return st;
}

static status fold_outputs(const pass *p, int64_t rows, float *logits)
{
    status st = OK;
    const device_model *d = p->device->d;
    const model_info *info = &p->m->config.info;
    const int outputs = p->m->arch->output(p->m).out;
    float *whole = NULL;
    if (logits && !(whole = checked_calloc((size_t)rows * PASS_OUTPUTS, sizeof *whole)))
        return status_no_memory("logits");
    for (int first = 0; first < outputs; first += PASS_OUTPUTS) {
        const int left = outputs - first, n = left < PASS_OUTPUTS ? left : PASS_OUTPUTS;
        TRY(make_outputs(p, first, n, rows));
        TRY_DEVICE(d, d->ops->fold(d->device, &(device_fold){.logits = d->arrays.logits,
                                                             .rows = rows,
                                                             .stride = n,
                                                             .first = first,
                                                             .n = n,
                                                             .cap = (float)p->m->config.logit_cap,
                                                             .answer = d->arrays.answer,
                                                             .bad = device_bad_logits(d, info)}));
        if (logits)
            TRY(keep_logits(p, first, n, rows, whole, logits));
    }
done:
    free(whole);
    return st;
}

static void end_answer(const device_answer *from, prediction *out)
{
    answer a = {.target = from->target,
                .target_logit = from->target_logit,
                .max = from->max,
                .sum = from->sum,
                .n = from->n};
    for (int k = 0; k < from->n && k < PREDICTION_RANKS; k++) {
        a.top[k] = from->top[k];
        a.id[k] = from->id[k];
    }
    predict_end(&a, out);
}

status device_answer_rows(pass *p, float **logits)
{
    status st;
    const device_model *d = p->device->d;
    device_answer *found = NULL;
    TRY(block_narrow(p));
    const int64_t scored = p->rows / rows_each(p);
    const size_t bytes = (size_t)scored * sizeof *found;
    if (scored == 0)
        goto done;
    TRY(p->m->arch->finish(p));
    found = checked_calloc((size_t)scored, sizeof *found);
    if (p->f->logits)
        *logits = checked_calloc((size_t)scored * (size_t)logits_each(p), sizeof **logits);
    if (!found || (p->f->logits && !*logits))
        TRY(status_no_memory("answers"));
    for (int64_t r = 0; r < scored; r++)
        found[r].target = p->predictions[r].rank; // it waited there
    TRY_DEVICE(d, d->ops->upload(d->device, found, bytes, d->arrays.answer));
    TRY(fold_outputs(p, scored, *logits));
    TRY_DEVICE(d, d->ops->download(d->device, d->arrays.answer, bytes, found));
    TRY(device_check_bad(p)); // what was no number has no order
    for (int64_t r = 0; r < scored; r++)
        end_answer(&found[r], &p->predictions[r]);
done:
    free(found);
    return st;
}

status device_give_answers(pass *p, const float *logits)
{
    status st = OK;
    const forward *f = p->f;
    const bool images = p->m->config.info.modality == MODALITY_IMAGE;
    const int64_t scored = p->head_rows / rows_each(p), each = logits_each(p);
    int64_t at = 0;
    for (int64_t i = 0; i < p->device->tiles; i++) {
        const batch_tile *t = &p->device->tile[i];
        const tile own = device_tile(p->device, t);
        const int64_t first = at, before = images ? t->sample : t->row;
        const int64_t end = before + (images ? t->samples : t->rows);
        for (; at < scored && p->predictions[at].row < end; at++)
            p->predictions[at].row -= before;
        for (int64_t r = first; f->logits && r < at; r++)
            TRY(f->logits(f->context, t->index, p->thread, &own, p->predictions[r].row,
                          logits + r * each));
        if (f->result)
            TRY(f->result(f->context, t->index, p->thread, &own, p->predictions + first,
                          at - first));
    }
done:
    return st;
}
