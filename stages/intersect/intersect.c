// SPDX-License-Identifier: Apache-2.0
// The stage `intersect`: how far the most important neurons of each pair of subsets are the same
// ones, against chance; and, with clusters, whether they gather in few of them.
//   overlap:    {stage: intersect, from: scores, fractions: [0.01, 0.1, 0.5]}
//   curve:      {stage: intersect, from: scores, fractions: ["0.01:0.99:0.01"]}
//   modularity: {stage: intersect, from: [scores, experts], fractions: [0.01, 0.1]}
//   layers:     {stage: intersect, from: scores, fractions: [0.01], within: layer}
//   meeting:    {stage: intersect, from: [scores, others], fractions: [0.01]}
// Input: an artefact of `score` or `import`, and perhaps one of `cluster`. Output:
//   double fraction(fraction)                                  1  the shares, as given
//   int64 neurons(fraction)                                    1  how many each selects
//   string subset(subset)                                      1  class or text domain
//   string subset_a(subset_a)                                  1  the same
//   string subset_b(subset_b)                                  1  the same
//   double overlap(fraction, subset_a, subset_b)               1  shared neurons ÷ those of a's set
//   double overlap_layer(fraction, layer, subset_a, subset_b)  1  the same of the sets in a layer
//   double chance(fraction)                                    1  mean overlap of two random sets
//   double p_value(fraction, subset_a, subset_b)               1  P(random sets share as many)
//   double p_value_log10(fraction, subset_a, subset_b)         1  its logarithm: no underflow
//   double share_layer(fraction, subset, layer)                1  share of a layer that is selected
//   double overlap_mean(fraction)                              1  mean over unordered pairs
//   double overlap_median(fraction)                            1  their median
//   double overlap_std(fraction)                               1  deviation of that population
//   double overlap_min(fraction)                               1  least
//   double overlap_max(fraction)                               1  largest
//   double auc(fraction, subset, layer)                        1  see cluster_auc.h, with clusters
//   double auc_chance(fraction)                                1  mean at random, with clusters
//   double auc_chance_error(fraction)                          1  standard error, with clusters
// Of scores with folds (stages/score), intervals and what holds without each fold:
//   double overlap_low(fraction, subset_a, subset_b)           1  lower end of a 95% interval
//   double overlap_high(fraction, subset_a, subset_b)          1  upper end
//   double overlap_mean_low(fraction)                          1  lower end
//   double overlap_mean_high(fraction)                         1  upper end
//   double stability(fraction, subset)                         1  share of the set that stays
// With `within: layer` too, of the sets that hold the top share of each layer (intersect_within.h):
//   int64 neurons_within(fraction)                             1  how many are selected in a layer
//   double overlap_within(fraction, layer, subset_a, subset_b) 1  shared neurons ÷ those of a's set
//   double chance_within(fraction)                             1  mean overlap of two random sets
//   double p_within(fraction, layer, subset_a, subset_b)       1  P(random sets share as many)
//   double p_within_log10(fraction, layer, subset_a, subset_b) 1  its logarithm
//   double overlap_within_mean(fraction, layer)                1  mean over unordered pairs
//   double chance_within_std(fraction)                         1  its deviation at random
//   double p_within_mean(fraction, layer)                      1  P(mean at random is as large)
// Of two steps of scores instead, subset_a of the first and subset_b of the second:
//   double overlap_between(fraction, subset_a, subset_b)       1  shared neurons ÷ those of a's set
//   double p_between(fraction, subset_a, subset_b)             1  P(random sets share as many)
//   double p_between_log10(fraction, subset_a, subset_b)       1  its logarithm
//   double overlap_between_same(fraction)                      1  mean over pairs with one name
//   double overlap_between_others(fraction)                    1  mean over pairs with two
// with fraction, neurons, subset_a, subset_b and chance as above. These p-values are Holm-corrected
// over all that the variable holds.
// p-values are of so many or more, Holm-corrected over the unordered pairs of a share; NaN stands on
// their diagonal, and for what an empty set overlaps.
//
// A subset's set holds the top share of all neurons over all layers, ties to the lower index; with
// `site: both` the neurons of both sites stand in one ranking. Neurons of a sparse model's experts
// that have no score (NaN) are in no set: where too few have one, the set is all that have. Only for
// `auc` the share is taken within each layer, as figure 6 has it. One round; a unit is a layer: all
// pairs, all shares, and the layer's random selections.
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/base/checked.h"
#include "pipeline/base/text.h"
#include "stages/common/neuron_set.h"
#include "stages/intersect/cluster_auc.h"
#include "stages/intersect/cluster_labels.h"
#include "stages/intersect/intersect_between.h"
#include "stages/intersect/intersect_folds.h"
#include "stages/intersect/intersect_state.h"
#include "stages/intersect/intersect_within.h"
#include "stages/intersect/overlap.h"

enum { MAX_FRACTIONS = 10000, DRAWS_A_BLOCK = 50 };

static const param_def parameters[] = {
    {"from", PARAM_FROM, .required = true,
     .help = "scores, or [scores, clusters], or [scores, scores]: sets of the one with sets of the "
             "other"},
    {"fractions", PARAM_REALS, .required = true, .high = 1,
     .help = "shares of the neurons to select; \"0.01:0.99:0.01\" is first:last:step"},
    {"site", PARAM_TEXT, "mlp", .choices = "mlp|attn|both|expert",
     .help = "which neurons; both: of mlp and attn; expert: whole experts of a sparse model"},
    {"within", PARAM_TEXT, .choices = "layer",
     .help = "layer: also compares the top shares of each layer, layer by layer"},
    {"draws", PARAM_INT, "1000", .low = 2, .high = 1e6,
     .help = "random selections per layer behind auc_chance and p_within_mean"},
    {"seed", PARAM_INT, "1", .low = 0, .high = 9e15, .help = "of the random selections"},
    {0},
};

static status intersect_check(const task *t)
{
    const params *p = task_params(t);
    size_t clusters = 0, n = params_count(p, "fractions");
    for (size_t i = 0; i < task_inputs(t); i++)
        clusters += cluster_labels_are(t, i);
    size_t steps = task_inputs(t) - clusters;
    if (steps < 1 || steps > 2 || clusters > 1 || steps + clusters > 2)
        return params_fail(
            p, "from",
            "%zu scores and %zu clusters; give one step of scores (a sweep gives one "
            "task for each) and at most one of clusters, or two of scores",
            steps, clusters);
    if (steps == 2 && params_has(p, "within"))
        return params_fail(p, "within",
                           "two steps of scores meet in the whole model; leave it "
                           "out, or give one step of scores");
    if (clusters && strcmp(params_text(p, "site"), "mlp") != 0)
        return params_fail(p, "site", "clusters are of mlp neurons; use `site: mlp` here");
    if (n > MAX_FRACTIONS)
        return params_fail(p, "fractions", "%zu shares; give at most %d", n, MAX_FRACTIONS);
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < i; j++)
            if (params_real_at(p, "fractions", i) == params_real_at(p, "fractions", j))
                return params_fail(p, "fractions", "%g is given twice; give each share once",
                                   params_real_at(p, "fractions", i));
    return scores_check_sites(t);
}

// Ascending copies of the shares, as set sizes of all neurons and of a layer's.
static status open_fractions(intersect *x, const params *p)
{
    int64_t n = x->fractions = (int64_t)params_count(p, "fractions");
    x->fraction = checked_calloc((size_t)n, sizeof *x->fraction);
    x->slot = checked_calloc((size_t)n, sizeof *x->slot);
    x->size = checked_calloc((size_t)n, sizeof *x->size);
    x->layer_size = checked_calloc((size_t)n, sizeof *x->layer_size);
    if (!x->fraction || !x->slot || !x->size || !x->layer_size)
        return status_no_memory("shares of neurons");
    for (int64_t i = 0; i < n; i++)
        x->fraction[i] = params_real_at(p, "fractions", (size_t)i);
    for (int64_t i = 0; i < n; i++) {
        for (int64_t j = 0; j < n; j++)
            x->slot[i] += x->fraction[j] < x->fraction[i];
        x->size[x->slot[i]] = neuron_set_size(x->fraction[i], x->neurons);
        x->layer_size[x->slot[i]] = neuron_set_size(x->fraction[i], x->width);
    }
    return OK;
}

static int64_t at_most(int64_t size, int64_t limit)
{
    return size < limit ? size : limit;
}

static status rank_subset(void *context, int64_t subset, int thread)
{
    (void)thread;
    intersect *x = context;
    status st = OK;
    double *score = checked_calloc((size_t)x->neurons, sizeof *score);
    int64_t *order = checked_calloc((size_t)x->neurons, sizeof *order);
    int64_t *size = checked_calloc((size_t)x->fractions, sizeof *size);
    if (!score || !order || !size)
        TRY(status_no_memory("an order of neurons"));
    const bool second = x->split && subset >= x->split;
    const scores *from = second ? &x->other : &x->scores;
    TRY(scores_read(from, second ? subset - x->split : subset, 0, x->layers, score));
    TRY(neuron_set_order(score, x->neurons, order));
    const int64_t known = scores_known(from, score, x->neurons);
    for (int64_t j = 0; j < x->fractions; j++)
        size[j] = at_most(x->size[j], known);
    overlap_first(order, x->neurons, size, x->fractions, x->first + subset * x->neurons);
    for (int64_t l = 0; l < x->layers; l++)
        x->known[subset * x->layers + l] = scores_known(from, score + l * x->width, x->width);
done:
    free(score);
    free(order);
    free(size);
    return st;
}

static status open_clusters(intersect *x, const artefact *a)
{
    status st = OK;
    cluster_labels c;
    TRY(cluster_labels_read(a, &c));
    if (c.layers != x->layers || c.width != x->width)
        TRY(status_fail(ERR_INPUT, artefact_path(a),
                        "clusters of %lld layers of %lld neurons, scores of %lld of %lld; cluster "
                        "a model of the same shape",
                        (long long)c.layers, (long long)c.width, (long long)x->layers,
                        (long long)x->width));
    x->clusters = c.clusters;
    x->label = c.label;
    c.label = NULL;
done:
    free(c.label);
    return st;
}

static status intersect_open(const task *t, void **state)
{
    status st = OK;
    intersect *x = checked_calloc(1, sizeof *x);
    if (!x)
        return status_no_memory("intersect");
    *state = x;
    x->task = t;
    const artefact *clusters = NULL, *from = NULL, *second = NULL;
    const char *sites = params_text(task_params(t), "site");
    for (size_t i = 0; i < task_inputs(t); i++)
        *(cluster_labels_are(t, i) ? &clusters : from ? &second : &from) = task_input(t, i);
    TRY(scores_open(from, sites, &x->scores));
    x->subsets = x->scores.subsets;
    x->layers = x->scores.layers;
    x->width = x->scores.layer_width;
    x->neurons = x->layers * x->width;
    TRY(open_fractions(x, task_params(t)));
    TRY(scores_read_subsets(&x->scores, &x->subset));
    if (clusters)
        TRY(open_clusters(x, clusters));
    if (second)
        TRY(intersect_between_open(x, second, sites));
    if (params_has(task_params(t), "within"))
        TRY(intersect_within_open(x));
    size_t neurons;
    if (!checked_mul((size_t)x->subsets, (size_t)x->neurons, &neurons) ||
        !(x->first = checked_calloc(neurons, sizeof *x->first)) ||
        !(x->known = checked_calloc((size_t)(x->subsets * x->layers), sizeof *x->known)))
        TRY(status_no_memory("sets of neurons"));
    TRY(pool_run(task_pool(t), x->subsets, rank_subset, x));
    if (x->scores.folds > 0 && !x->split)
        TRY(intersect_folds_open(x));
done:
    return st;
}

static status intersect_next(void *state, const round_state *finished, const partial *sum,
                             round_state *round, bool *done)
{
    (void)state, (void)sum, (void)round;
    *done = finished != NULL; // one round, with nothing to remember
    return OK;
}

static status intersect_plan(void *state, const round_state *round, round_plan *out)
{
    (void)round;
    const intersect *x = state;
    int64_t pairs = x->subsets * x->subsets, cells = x->layers * x->fractions;
    int64_t clusters = x->label ? cells : 0; // without them their fields are empty
    int64_t within = x->within ? cells : 0;
    int64_t folds = x->folds ? x->scores.folds * x->fractions : 0;
    out->units = x->layers;
    out->shape = (partial_shape){
        .fields = x->folds    ? 8
                  : x->within ? 6
                  : x->label  ? 4
                              : 1,
        .field = {[INTERSECT_SHARED] = {"shared", PARTIAL_COUNT, cells * pairs},
                  [INTERSECT_AREA] = {"area", PARTIAL_COUNT, clusters * x->subsets},
                  [INTERSECT_CHANCE] = {"chance", PARTIAL_COUNT, clusters},
                  [INTERSECT_SQUARE] = {"chance_square", PARTIAL_COUNT, clusters},
                  [INTERSECT_WITHIN] = {"shared_within", PARTIAL_COUNT, within * pairs},
                  [INTERSECT_EXCEED] = {"exceed_within", PARTIAL_COUNT, within},
                  [INTERSECT_WITHOUT] = {"shared_without", PARTIAL_COUNT, folds * pairs},
                  [INTERSECT_KEPT] = {"kept", PARTIAL_COUNT, folds * x->subsets}}};
    return OK;
}

// What a unit gathers before it adds it.
typedef struct layer_work {
    const intersect *x;
    int64_t layer;
    int64_t *shared;          // [fraction][subset][subset]
    int64_t *area;            // [subset][fraction]
    int64_t *chance, *square; // [block][fraction]
    int64_t draws;
} layer_work;

static status count_pairs(void *context, int64_t a, int thread)
{
    (void)thread;
    const layer_work *w = context;
    const intersect *x = w->x;
    const uint16_t *first = x->first + w->layer * x->width;
    return overlap_pairs(first, x->neurons, x->width, x->fractions, x->subsets, a, w->shared);
}

static status count_clusters(void *context, int64_t subset, int thread)
{
    (void)thread;
    const layer_work *w = context;
    const intersect *x = w->x;
    const clustering c = {x->label + w->layer * x->width, x->width, x->clusters};
    status st = OK;
    double *score = checked_calloc((size_t)x->width, sizeof *score);
    int64_t *order = checked_calloc((size_t)x->width, sizeof *order);
    int64_t *size = checked_calloc((size_t)x->fractions, sizeof *size);
    if (!score || !order || !size)
        TRY(status_no_memory("a layer's order of neurons"));
    TRY(scores_read(&x->scores, subset, w->layer, 1, score));
    TRY(neuron_set_order(score, x->width, order));
    for (int64_t j = 0; j < x->fractions; j++)
        size[j] = at_most(x->layer_size[j], x->known[subset * x->layers + w->layer]);
    TRY(cluster_auc_areas(&c, order, size, x->fractions, w->area + subset * x->fractions));
done:
    free(score);
    free(order);
    free(size);
    return st;
}

static status draw_block(void *context, int64_t block, int thread)
{
    (void)thread;
    const layer_work *w = context;
    const intersect *x = w->x;
    const params *p = task_params(x->task);
    if (task_stopping(x->task))
        return ERR_INTERRUPTED;
    const clustering c = {x->label + w->layer * x->width, x->width, x->clusters};
    int64_t first = block * DRAWS_A_BLOCK, left = w->draws - first;
    // One stream for all layers: a layer's draws begin behind those of the layer before.
    const rng r = rng_new((uint64_t)params_int(p, "seed"), "intersect: random selections");
    return cluster_auc_areas_random(&c, &r, w->layer * w->draws + first,
                                    left < DRAWS_A_BLOCK ? left : DRAWS_A_BLOCK, x->layer_size,
                                    x->fractions, w->chance + block * x->fractions,
                                    w->square + block * x->fractions);
}

static status compute_clusters(layer_work *w, partial *sum)
{
    const intersect *x = w->x;
    pool *threads = task_pool(x->task);
    status st = OK;
    w->draws = params_int(task_params(x->task), "draws");
    int64_t blocks = (w->draws + DRAWS_A_BLOCK - 1) / DRAWS_A_BLOCK, n = x->fractions;
    w->area = checked_calloc((size_t)(x->subsets * n), sizeof *w->area);
    w->chance = checked_calloc((size_t)(blocks * n), sizeof *w->chance);
    w->square = checked_calloc((size_t)(blocks * n), sizeof *w->square);
    if (!w->area || !w->chance || !w->square)
        TRY(status_no_memory("selections in clusters"));
    TRY(pool_run(threads, x->subsets, count_clusters, w));
    TRY(pool_run(threads, blocks, draw_block, w));
    for (int64_t i = n; i < blocks * n; i++) {
        w->chance[i % n] += w->chance[i];
        w->square[i % n] += w->square[i];
    }
    TRY(partial_add_counts(sum, INTERSECT_AREA, w->layer * x->subsets * n, x->subsets * n,
                           w->area));
    TRY(partial_add_counts(sum, INTERSECT_CHANCE, w->layer * n, n, w->chance));
    TRY(partial_add_counts(sum, INTERSECT_SQUARE, w->layer * n, n, w->square));
done:
    free(w->area);
    free(w->chance);
    free(w->square);
    return st;
}

static status intersect_unit(void *state, const round_state *round, int64_t layer, int lane,
                             partial *sum)
{
    (void)round, (void)lane;
    const intersect *x = state;
    status st = OK;
    layer_work w = {.x = x, .layer = layer};
    within_counts within = {0};
    int64_t length = x->fractions * x->subsets * x->subsets;
    w.shared = checked_calloc((size_t)length, sizeof *w.shared);
    if (!w.shared)
        TRY(status_no_memory("shared neurons"));
    TRY(pool_run(task_pool(x->task), x->subsets, count_pairs, &w));
    if (x->within)
        TRY(intersect_within_count(x, layer, &within));
    if (x->folds)
        TRY(intersect_folds_count(x, layer, sum));
    if (x->label)
        TRY(compute_clusters(&w, sum));
    if (x->within)
        TRY(intersect_within_add(x, layer, &within, sum));
    TRY(partial_add_counts(sum, INTERSECT_SHARED, layer * length, length, w.shared));
done:
    free(w.shared);
    intersect_within_drop(&within);
    return st;
}

static void intersect_close(void *state)
{
    intersect *x = state;
    if (!x)
        return;
    intersect_results_free(x);
    intersect_within_free(x->within);
    intersect_folds_free(x->folds);
    intersect_between_free(x->between);
    free(x->subset);
    free(x->fraction);
    free(x->slot);
    free(x->size);
    free(x->layer_size);
    free(x->first);
    free(x->known);
    free(x->label);
    free(x);
}

const stage_def stage_intersect = {
    .name = "intersect",
    .version = 1,
    .summary = "overlap of the most important neurons of each pair of subsets, and of clusters",
    .params = parameters,
    .inputs = "score|import|cluster",
    .inputs_required = true,
    .check = intersect_check,
    .open = intersect_open,
    .next = intersect_next,
    .plan = intersect_plan,
    .unit = intersect_unit,
    .finish = intersect_finish,
    .close = intersect_close,
};
