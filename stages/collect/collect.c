// SPDX-License-Identifier: Apache-2.0
// The stage `collect`: runs the model over the collect part of every subset and keeps what every
// neuron did, as statistics over all its tokens.
//   activations: {stage: collect, model: trained, data: glyphs, sites: [mlp, attn], firing: 1000}
// Output; mlp_* with mlp among the `sites`, attn_* with attn, expert_* with expert, and firing of mlp
// alone:
//   string subset(subset)                                1  class or text domain
//   int64 samples(subset)                                1  where a seed cuts the data: samples there are
//   ubyte collected(subset, sample_byte)                 1  the same: bits, was each collected on?
//   int64 mlp_count(subset)                              1  tokens that the statistics are over
//   double mlp_mean_abs(subset, layer, unit)             1  mean of |x|
//   double mlp_mean(subset, layer, unit)                 1  mean of x
//   double mlp_mean_square(subset, layer, unit)          1  mean of x^2
//   double mlp_mean_sqrt_abs(subset, layer, unit)        1  mean of sqrt|x|
//   double mlp_positive(subset, layer, unit)             1  share of tokens with x > 0
//   int64 expert_tokens(subset, layer, expert)           1  of sparse models, with mlp: see below
//   int64 firing_tokens(subset)                          1  tokens sampled, with `firing`
//   double bin_low(bin)                                  1  lowest x of a bin, with `histogram`
//   int64 mlp_histogram(subset, layer, unit, bin)        1  tokens by bin of x, with `histogram`
//   ubyte mlp_firing(layer, unit, subset, byte)          1  bits: is x > 0 at each?, with `firing`
//   int64 attn_count(subset)                             1  tokens that the statistics are over
//   double attn_mean_abs(subset, layer, attn_unit)       1  mean of |x|
//   double attn_mean(subset, layer, attn_unit)           1  mean of x
//   double attn_mean_square(subset, layer, attn_unit)    1  mean of x^2
//   double attn_mean_sqrt_abs(subset, layer, attn_unit)  1  mean of sqrt|x|
//   double attn_positive(subset, layer, attn_unit)       1  share of tokens with x > 0
//   int64 attn_histogram(subset, layer, attn_unit, bin)  1  tokens by bin of x, with `histogram`
//   int64 expert_count(subset)                           1  tokens that the statistics are over
//   double expert_mean_abs(subset, layer, expert)        1  mean of x, the router's weight: x >= 0
//   double expert_mean(subset, layer, expert)            1  the same
//   double expert_mean_square(subset, layer, expert)     1  mean of x^2
//   double expert_mean_sqrt_abs(subset, layer, expert)   1  mean of sqrt x
//   double expert_positive(subset, layer, expert)        1  share of tokens routed to it
//   int64 expert_histogram(subset, layer, expert, bin)   1  tokens by bin of x, with `histogram`
// With `folds`, the same of a fold's tiles alone (collect_folds.h):
//   int64 mlp_fold_count(subset, fold)                              1  tokens of the fold
//   double mlp_fold_mean_abs(subset, fold, layer, unit)             1  mean of |x|
//   double mlp_fold_mean(subset, fold, layer, unit)                 1  mean of x
//   double mlp_fold_mean_square(subset, fold, layer, unit)          1  mean of x^2
//   double mlp_fold_mean_sqrt_abs(subset, fold, layer, unit)        1  mean of sqrt|x|
//   double mlp_fold_positive(subset, fold, layer, unit)             1  share of tokens with x > 0
//   int64 mlp_fold_histogram(subset, fold, layer, unit, bin)        1  tokens of the fold by bin
//   int64 expert_fold_tokens(subset, fold, layer, expert)           1  as expert_tokens
//   int64 attn_fold_count(subset, fold)                             1  tokens of the fold
//   double attn_fold_mean_abs(subset, fold, layer, attn_unit)       1  mean of |x|
//   double attn_fold_mean(subset, fold, layer, attn_unit)           1  mean of x
//   double attn_fold_mean_square(subset, fold, layer, attn_unit)    1  mean of x^2
//   double attn_fold_mean_sqrt_abs(subset, fold, layer, attn_unit)  1  mean of sqrt|x|
//   double attn_fold_positive(subset, fold, layer, attn_unit)       1  share of tokens with x > 0
//   int64 attn_fold_histogram(subset, fold, layer, attn_unit, bin)  1  tokens of the fold by bin
//   int64 expert_fold_count(subset, fold)                           1  tokens of the fold
//   double expert_fold_mean_abs(subset, fold, layer, expert)        1  mean of |x|
//   double expert_fold_mean(subset, fold, layer, expert)            1  mean of x
//   double expert_fold_mean_square(subset, fold, layer, expert)     1  mean of x^2
//   double expert_fold_mean_sqrt_abs(subset, fold, layer, expert)   1  mean of sqrt|x|
//   double expert_fold_positive(subset, fold, layer, expert)        1  share of tokens with x > 0
//   int64 expert_fold_histogram(subset, fold, layer, expert, bin)   1  tokens of the fold by bin
// In a sparse model a neuron of mlp has an activation only at the tokens that are routed to its
// expert: its statistics are over these, expert_tokens many, and NaN where there are none; it does
// not fire at the others.
// Firing is sampled at N tokens of a subset, or at all where it has fewer. Sampled token t (in
// token order) is bit t % 8 (1 << t % 8) of byte t / 8; `byte` is ceil(max(firing_tokens) / 8)
// long, and bits from firing_tokens on are 0. So a neuron's firing vector over all subsets is one
// contiguous row of subset × byte, and any two neurons of one model compare bit by bit.
//
// One round; a unit of work is some tiles of one subset.
#include <stdlib.h>

#include "pipeline/base/checked.h"
#include "stages/collect/collect_pass.h"
#include "stages/collect/counted_rows.h"
#include "stages/collect/sampled_tokens.h"
#include "stages/common/resources.h"
#include "stages/common/stage_samples.h"

static const param_def collect_params[] = {
    {"model", PARAM_RESOURCE, .required = true, .section = "models", .help = "the model to run"},
    {"data", PARAM_RESOURCE, .required = true, .section = "datasets", .help = "what to run it on"},
    {"sites", PARAM_TEXTS, .value = "[mlp]", .choices = "mlp|attn|expert",
     .help = "where to read neurons; expert: of sparse models, the router's weight of each expert"},
    {"firing", PARAM_INT, .value = "0", .low = 0, .high = 1e9,
     .help = "tokens per subset whose firing (x > 0) at the mlp site is kept, for co-activation"},
    {"seed", PARAM_INT, .value = "0", .low = 0, .high = 9e15,
     .help = "of the choice of those tokens, and of folds"},
    {"skip_first", PARAM_INT, .low = 1, .high = 1e9,
     .help = "tokens at the beginning of each sample that do not count, as an attention sink"},
    {"histogram", PARAM_BOOL,
     .help = "count each neuron's activations by 64 bins, for measure: auc"},
    {"folds", PARAM_INT, .low = 2, .high = 1000,
     .help = "keeps statistics by so many folds too, for intervals of scores and overlaps"},
    {0},
};

// The units of a subset, fold by fold.
static status cut_subset(collect_state *s, int subset)
{
    tiling *cuts = &s->source.cuts;
    const collect_layout *l = &s->layout;
    status st = l->folds > 1 ? collect_folds_deal(task_params(s->task), l, cuts, subset) : OK;
    for (int f = 0; f < l->folds && st == OK; f++) {
        const int64_t n =
            tiling_units(cuts, model_get_info(s->model), collect_folds_first(l, cuts, subset, f),
                         collect_folds_first(l, cuts, subset, f + 1), s->unit + s->units);
        for (int64_t i = 0; i < n; i++)
            s->fold[s->units++] = f;
    }
    return st;
}

// Subsets, tiles, units and sizes: what does not need weights.
static status cut_units(const task *t, collect_state *s)
{
    status st = OK;
    const dataset *data = stage_dataset(t, "data", 0);
    int subsets = dataset_subsets(data);
    s->task = t;
    s->model = stage_model(t);
    const model_info *info = model_get_info(s->model);
    TRY(stage_samples(t, "data", 0, &s->samples));
    tile_source_begin(&s->source, info, PART_COLLECT);
    for (int i = 0; i < subsets; i++)
        TRY(tile_source_add(&s->source, s->samples, i));
    TRY(collect_layout_make(task_params(t), data, info, &s->source, &s->layout));
    s->unit = checked_calloc((size_t)s->source.cuts.tiles, sizeof *s->unit);
    s->fold = checked_calloc((size_t)s->source.cuts.tiles, sizeof *s->fold);
    if (!s->unit || !s->fold)
        return status_no_memory("a list of units");
    for (int i = 0; i < subsets; i++)
        TRY(cut_subset(s, i));
done:
    return st;
}

static void collect_close(void *state)
{
    collect_state *s = state;
    if (!s)
        return;
    for (int which = 0; which < SITES; which++) {
        for (int lane = 0; s->sums[which] && lane < s->lanes; lane++)
            site_sums_free(s->sums[which][lane]);
        free(s->sums[which]);
    }
    for (int thread = 0; s->block && thread < s->lanes; thread++)
        block_sums_free(s->block[thread]);
    free(s->block);
    free(s->sampled_first);
    free(s->sampled);
    free(s->unit);
    free(s->fold);
    collect_folds_free(&s->folds);
    collect_layout_free(&s->layout);
    chosen_samples_free(&s->chosen);
    tile_source_free(&s->source);
    samples_close(s->samples);
    free(s);
}

static status choose_tokens(collect_state *s)
{
    const collect_layout *l = &s->layout;
    s->sampled_first = checked_calloc((size_t)l->subsets + 1, sizeof *s->sampled_first);
    if (!s->sampled_first)
        return status_no_memory("sampled tokens");
    for (int i = 0; i < l->subsets; i++)
        s->sampled_first[i + 1] = s->sampled_first[i] + l->firing_tokens[i];
    s->sampled = checked_calloc((size_t)s->sampled_first[l->subsets], sizeof *s->sampled);
    if (!s->sampled)
        return status_no_memory("sampled tokens");
    uint64_t seed = (uint64_t)params_int(task_params(s->task), "seed");
    for (int i = 0; i < l->subsets; i++) {
        int64_t *own = s->sampled + s->sampled_first[i];
        sampled_tokens_choose(seed, l->subset[i], counted_rows(&s->source, i, l->skip),
                              l->firing_tokens[i], own);
        counted_rows_place(&s->source, i, l->skip, l->firing_tokens[i], own);
    }
    return OK;
}

static status collect_look(const task *t, stage_look *found)
{
    return stage_look_samples(t, "data", 0, found);
}

static status collect_prepare(const task *t, share *s)
{
    return stage_prepare_samples(t, "data", 0, s);
}

static status collect_open(const task *t, void **state)
{
    status st = OK;
    collect_state *s = checked_calloc(1, sizeof *s);
    if (!s)
        return status_no_memory("collect");
    TRY(cut_units(t, s));
    TRY(choose_tokens(s));
    s->lanes = pool_threads(task_pool(t));
    for (int which = 0; which < SITES; which++)
        if (!(s->sums[which] = checked_calloc((size_t)s->lanes, sizeof *s->sums[which])))
            TRY(status_no_memory("neuron statistics"));
    if (!(s->block = checked_calloc((size_t)s->lanes, sizeof *s->block)))
        TRY(status_no_memory("neuron statistics"));
    *state = s;
    s = NULL;
done:
    collect_close(s);
    return st;
}

static status collect_next(void *state, const round_state *finished, const partial *sum,
                           round_state *next, bool *done)
{
    (void)state, (void)sum, (void)next;
    *done = finished != NULL;
    return OK;
}

static status collect_plan(void *state, const round_state *round, round_plan *out)
{
    (void)round;
    collect_state *s = state;
    out->units = s->units;
    collect_layout_shape(&s->layout, &out->shape);
    return OK;
}

static double collect_cost(void *state, const round_state *round, int64_t unit)
{
    (void)round;
    const collect_state *s = state;
    return tiling_operations(&s->source.cuts, model_get_info(s->model), s->unit[unit]);
}

static status collect_finish(void *state, const round_state *finished, const partial *sum,
                             artefact_writer *w)
{
    (void)finished;
    status st;
    collect_state *s = state;
    char name[64];
    TRY(artefact_attribute(w, "products", model_products_name(s->model, name)));
    TRY(stage_note_skipped(samples_skipped(s->samples), w));
    TRY(stage_note_mask(s->task, "data", 1, w));
    if (s->layout.folds == 1)
        TRY(collect_describe(&s->layout, sum, w));
    else
        TRY(collect_folds_describe(&s->folds, &s->layout, sum, w));
    TRY(chosen_samples_describe(&s->chosen, s->samples, s->layout.subsets, w));
done:
    return st;
}

static status collect_estimate(const task *t, estimate *out)
{
    status st = OK;
    collect_state *s = checked_calloc(1, sizeof *s);
    if (!s)
        return status_no_memory("collect");
    TRY(cut_units(t, s));
    const tiling *cuts = &s->source.cuts;
    int threads = pool_threads(task_pool(t));
    partial_shape shape;
    collect_layout_shape(&s->layout, &shape);
    out->units = s->units;
    for (int64_t i = 0; i < s->units; i++)
        out->operations += collect_cost(s, NULL, i);
    out->memory_bytes = (double)partial_bytes(&shape) + collect_folds_bytes(&s->layout) +
                        stage_scratch_bytes(t, threads, cuts);
    for (int which = 0; which < SITES; which++)
        if (s->layout.site[which].read)
            out->memory_bytes += threads * (double)site_sums_bytes(&s->layout.site[which].shape);
    out->memory_bytes += threads * (double)block_sums_bytes(collect_layout_widest(&s->layout));
    out->memory_bytes +=
        stage_products_bytes(threads) + threads * (double)samples_reading_bytes(s->samples);
    out->shared_bytes = stage_model_bytes(t);
    out->disk_bytes = collect_layout_disk_bytes(&s->layout);
done:
    collect_close(s);
    return st;
}

const stage_def stage_collect = {
    .name = "collect",
    .version = 5,
    .changed = STAGE_SPLIT_CHANGED,
    .summary = "statistics of every neuron's activations on every subset",
    .params = collect_params,
    .in_teams = true,
    .estimate = collect_estimate,
    .look = collect_look,
    .prepare = collect_prepare,
    .open = collect_open,
    .next = collect_next,
    .plan = collect_plan,
    .cost = collect_cost,
    .together = collect_pass_together,
    .units = collect_pass_units,
    .finish = collect_finish,
    .close = collect_close,
};
