// SPDX-License-Identifier: Apache-2.0
// One forward pass for a run of tiles, and what is counted of it, tile by tile: partials add counts
// per mask and subset, and a cache of answers is by tile. Whether a pass begins at the pixels or
// behind the first layer's attention (hidden_cache.h) makes no difference to the bits.
#include "stages/prune/answers.h"

#include <math.h>
#include <string.h>

enum { TOP = 10 };

double answers_share(const answers *a, int some, int all)
{
    return a->count[all] > 0 ? (double)a->count[some] / (double)a->count[all] : NAN;
}

double answers_mean(const answers *a, int sum)
{
    int64_t n = a->count[ANSWERS_SCORED];
    return n > 0 ? fixed_to(a->sum[sum]) / (double)n : NAN;
}

typedef struct asked {
    const asking *q;
    int64_t first;
    int choices; // of a question; 0: all outputs
    const int32_t *choice;
    bool resumes; // from the hidden cache
    const donor *donor;
    answers *out;
} asked;

static status load_tile(void *context, int64_t index, int thread, tile *t)
{
    (void)thread;
    const asked *a = context;
    const tile_source *from = a->q->source;
    if (!a->resumes || from->text)
        return tile_source_load(from, a->first + index, t);
    hidden_cache_load(a->q->cache, a->first + index, t);
    return OK;
}

static status load_hidden(void *context, int64_t index, int thread, const tile *t, float *hidden)
{
    (void)thread, (void)t;
    const asked *a = context;
    hidden_cache_get(a->q->cache, a->first + index, hidden);
    return OK;
}

static status keep_hidden(void *context, int64_t index, int thread, const tile *t,
                          const float *hidden)
{
    (void)thread;
    const asked *a = context;
    hidden_cache_put(a->q->cache, a->first + index, t, hidden);
    return OK;
}

static model_neurons *cached_neurons(void *context, int64_t index, const tile *t)
{
    const asked *a = context;
    return hidden_cache_neurons(a->q->cache, a->first + index, t, model_neuron_bytes(a->q->model));
}

static status ablate_block(void *context, int64_t index, int thread, const tile *t,
                           const site_block *block, const int32_t *neuron, int n, float *x)
{
    (void)index, (void)thread;
    const asked *a = context;
    if (a->donor)
        donor_set(a->donor, t, block, neuron, n, x);
    else
        ablation_set_means(a->q->ablation, a->q->forget, block, neuron, n, x);
    return OK;
}

// `rank` of the target among what it is compared with.
static status add_answer(const asked *a, int64_t index, int32_t target, int64_t rank, double loss)
{
    answers *out = &a->out[index];
    fixed value, power;
    if (!fixed_from(loss, &value) || !fixed_from(exp(fmin(loss, ANSWERS_EXP_LIMIT)), &power))
        return status_fail(ERR_NUMERIC, a->q->label,
                           "the loss of an answer is %g; look for NaN or overflow in the model's "
                           "weights, or use compute: f32",
                           loss);
    bool counted = !(a->q->skip && a->q->skip[target]);
    out->count[ANSWERS_SCORED]++;
    out->count[ANSWERS_CORRECT] += rank == 0;
    out->count[ANSWERS_TOP10] += rank < TOP;
    out->count[ANSWERS_COUNTED] += counted;
    out->count[ANSWERS_COUNTED_CORRECT] += counted && rank == 0;
    out->count[ANSWERS_COUNTED_TOP10] += counted && rank < TOP;
    out->sum[ANSWERS_LOSS] += value;
    out->sum[ANSWERS_EXP_LOSS] += power;
    return OK;
}

static status count_predictions(void *context, int64_t index, int thread, const tile *t,
                                const prediction *p, int64_t n)
{
    (void)thread;
    status st = OK;
    const asked *a = context;
    for (int64_t i = 0; i < n && st == OK; i++)
        st = add_answer(a, index, t->target[p[i].row], p[i].rank, (double)p[i].loss);
    return st;
}

// One question, from the logits of its choices alone.
static status choose_answer(void *context, int64_t index, int thread, const tile *t, int64_t row,
                            const float *logits)
{
    (void)thread;
    const asked *a = context;
    const int32_t target = t->target[row];
    int right = 0;
    while (right < a->choices - 1 && a->choice[right] != target)
        right++;
    double sum = 0;
    int64_t rank = 0;
    for (int c = 0; c < a->choices; c++) {
        sum += exp((double)logits[c] - (double)logits[right]);
        rank += logits[c] > logits[right] || (logits[c] == logits[right] && c < right);
    }
    return add_answer(a, index, target, rank, log(sum));
}

static bool asked_to_stop(void *context)
{
    const asked *a = context;
    return a->q->stopping(a->q->context);
}

static status ask_tiles(const asking *q, tile_run run, const donor *other, answers *out)
{
    asked a = {.q = q, .first = run.first, .donor = other, .out = out};
    a.choices = tile_source_choices(q->source, run.first, &a.choice);
    forward pass = {.context = &a,
                    .tiles = run.tiles,
                    .max_samples = q->source->cuts.max_samples,
                    .max_rows = q->source->cuts.max_rows,
                    .load = load_tile,
                    .mask = q->mask,
                    .lane = q->lane,
                    .stopping = asked_to_stop};
    pass.neurons = q->cache ? cached_neurons : NULL;
    pass.ablate = q->mask && q->ablation ? ablate_block : NULL;
    a.resumes = q->cache && hidden_cache_has(q->cache, run);
    if (a.resumes) {
        pass.first_behind_attn = true;
        pass.load_hidden = load_hidden;
    } else if (q->cache) {
        pass.keep_behind_attn = true;
        pass.keep_hidden = keep_hidden;
    }
    if (a.choices > 0) {
        pass.logits = choose_answer;
        pass.candidates = a.choice;
        pass.n_candidates = a.choices;
    } else {
        pass.result = count_predictions;
    }
    memset(out, 0, (size_t)run.tiles * sizeof *out);
    return model_forward(q->model, q->pool, &pass);
}

// Each tile behind its donor's pass.
static status ask_resampled(const asking *q, tile_run run, answers *out)
{
    status st = OK;
    const donor_request request = {q->model, q->pool,     q->source, q->neurons,
                                   q->lane,  q->stopping, q->context};
    for (int64_t i = 0; i < run.tiles && st == OK; i++) {
        donor *d = NULL;
        TRY(donor_new(q->ablation, &request, run.first + i, &d));
        st = ask_tiles(q, (tile_run){run.first + i, 1}, d, out + i);
        donor_free(d);
    }
done:
    return st;
}

status answers_of_tiles(const asking *q, tile_run run, answers *out)
{
    if (q->mask && q->ablation && q->ablation->value == ABLATE_RESAMPLE)
        return ask_resampled(q, run, out);
    return ask_tiles(q, run, NULL, out);
}
