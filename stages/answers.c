// SPDX-License-Identifier: Apache-2.0
#include "stages/answers.h"

#include <string.h>

typedef struct asked {
    const tile_source *source;
    int64_t first;
    const char *label;
    bool (*stopping)(void *context);
    void *context;
    answers *out;
} asked;

static status load(void *context, int64_t index, int thread, tile *t)
{
    (void)thread;
    const asked *a = context;
    return tile_source_load(a->source, a->first + index, t);
}

static status count(void *context, int64_t index, int thread, const tile *t, const prediction *p,
                    int64_t n)
{
    (void)thread, (void)t;
    const asked *a = context;
    answers *out = &a->out[index];
    for (int64_t i = 0; i < n; i++) {
        fixed loss;
        if (!fixed_from((double)p[i].loss, &loss))
            return status_fail(ERR_NUMERIC, a->label,
                               "the loss of an answer is %g; look for NaN or overflow in the "
                               "model's weights, or use compute: f32",
                               (double)p[i].loss);
        out->correct += p[i].rank == 0;
        out->scored++;
        out->loss += loss;
    }
    return OK;
}

static bool asked_to_stop(void *context)
{
    const asked *a = context;
    return a->stopping(a->context);
}

status answers_of_tiles(model *m, pool *p, const tile_source *source, tile_run run,
                        const model_mask *mask, const char *label, bool (*stopping)(void *context),
                        void *context, answers *out)
{
    asked a = {source, run.first, label, stopping, context, out};
    forward pass = {.context = &a,
                    .tiles = run.tiles,
                    .max_samples = source->cuts.max_samples,
                    .max_rows = source->cuts.max_rows,
                    .load = load,
                    .result = count,
                    .mask = mask,
                    .stopping = asked_to_stop};
    memset(out, 0, (size_t)run.tiles * sizeof *out);
    return model_forward(m, p, &pass);
}
