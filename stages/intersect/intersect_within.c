// SPDX-License-Identifier: Apache-2.0
// A neuron that joins the set of one more subset is shared by as many new pairs as hold it already:
// so the statistic over all pairs costs one walk over the sets, not one over the pairs, and a draw
// of random sets little more than their random numbers.
#include "stages/intersect/intersect_within.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/base/checked.h"
#include "pipeline/base/rng.h"
#include "stages/common/neuron_set.h"
#include "stages/intersect/described.h"
#include "stages/intersect/holm.h"
#include "stages/intersect/hypergeometric.h"
#include "stages/intersect/overlap.h"

enum { DRAWS_A_BLOCK = 50 };

struct intersect_within { // each array owned
    uint16_t *first;   // [subset][layer][width] place of the first set of the layer that holds it
    int64_t *observed; // [layer][place] shared by all pairs together
    int64_t *neurons;  // of the artefact, as are those below
    double *overlap, *p_value, *p_value_log10; // [fraction][layer][subset_a][subset_b]
    double *chance, *chance_std;               // [fraction]
    double *mean, *p_mean;                     // [fraction][layer]
};

void intersect_within_free(intersect_within *within)
{
    if (!within)
        return;
    free(within->first);
    free(within->observed);
    free(within->neurons);
    free(within->overlap);
    free(within->p_value);
    free(within->p_value_log10);
    free(within->chance);
    free(within->chance_std);
    free(within->mean);
    free(within->p_mean);
    free(within);
}

// What `n` orders share in all pairs of their first sizes[j], for ascending sizes: order i begins
// at order + i·stride, and has at most known[i] (NULL: no such limit). held[width] is scratch.
static void count_shared(const int64_t *order, const int64_t *known, int64_t n, int64_t stride,
                         const int64_t *sizes, int64_t n_sizes, int64_t width, int64_t *held,
                         int64_t *shared)
{
    int64_t sum = 0;
    memset(held, 0, (size_t)width * sizeof *held);
    for (int64_t j = 0; j < n_sizes; j++) {
        for (int64_t i = 0; i < n; i++) {
            const int64_t end = known && known[i] < sizes[j] ? known[i] : sizes[j];
            for (int64_t at = j ? sizes[j - 1] : 0; at < end; at++)
                sum += held[order[i * stride + at]]++;
        }
        shared[j] = sum;
    }
}

// Ranks a layer's neurons for every subset.
static status rank_layer(void *context, int64_t layer, int thread)
{
    (void)thread;
    const intersect *x = context;
    intersect_within *within = x->within;
    status st = OK;
    size_t all = 0;
    int64_t *order = NULL, *held = NULL;
    int64_t *known = checked_calloc((size_t)x->subsets, sizeof *known);
    int64_t *size = checked_calloc((size_t)x->fractions, sizeof *size);
    double *score = checked_calloc((size_t)x->width, sizeof *score);
    if (checked_mul((size_t)x->subsets, (size_t)x->width, &all))
        order = checked_calloc(all, sizeof *order);
    held = checked_calloc((size_t)x->width, sizeof *held);
    if (!score || !order || !held || !known || !size)
        TRY(status_no_memory("a layer's orders of neurons"));
    for (int64_t s = 0; s < x->subsets; s++) {
        TRY(scores_read(&x->scores, s, layer, 1, score));
        TRY(neuron_set_order(score, x->width, order + s * x->width));
        known[s] = scores_known(&x->scores, score, x->width);
        for (int64_t j = 0; j < x->fractions; j++)
            size[j] = x->layer_size[j] < known[s] ? x->layer_size[j] : known[s];
        overlap_first(order + s * x->width, x->width, size, x->fractions,
                      within->first + (s * x->layers + layer) * x->width);
    }
    count_shared(order, known, x->subsets, x->width, x->layer_size, x->fractions, x->width, held,
                 within->observed + layer * x->fractions);
done:
    free(score);
    free(order);
    free(held);
    free(known);
    free(size);
    return st;
}

status intersect_within_open(intersect *x)
{
    size_t neurons;
    intersect_within *within = x->within = checked_calloc(1, sizeof *within);
    if (!within || !checked_mul((size_t)x->subsets, (size_t)x->neurons, &neurons))
        return status_no_memory("sets of neurons");
    within->first = checked_calloc(neurons, sizeof *within->first);
    within->observed = checked_calloc((size_t)(x->layers * x->fractions), sizeof *within->observed);
    if (!within->first || !within->observed)
        return status_no_memory("sets of neurons");
    return pool_run(task_pool(x->task), x->layers, rank_layer, x);
}

typedef struct layer_work {
    const intersect *x;
    int64_t layer, draws;
    int64_t *shared; // [place][subset][subset]
    int64_t *exceed; // [thread][layer][place]
} layer_work;

static status count_pairs(void *context, int64_t a, int thread)
{
    (void)thread;
    const layer_work *w = context;
    const intersect *x = w->x;
    const uint16_t *first = x->within->first + w->layer * x->width;
    return overlap_pairs(first, x->neurons, x->width, x->fractions, x->subsets, a, w->shared);
}

static status draw_block(void *context, int64_t block, int thread)
{
    const layer_work *w = context;
    const intersect *x = w->x;
    status st = OK;
    int64_t places = x->fractions, need = x->layer_size[places - 1], *exceed;
    int64_t *order = checked_calloc((size_t)(x->subsets * x->width), sizeof *order);
    int64_t *held = checked_calloc((size_t)x->width, sizeof *held);
    int64_t *shared = checked_calloc((size_t)places, sizeof *shared);
    const rng r = rng_new((uint64_t)params_int(task_params(x->task), "seed"),
                          "intersect: random sets of a layer");
    if (!order || !held || !shared)
        TRY(status_no_memory("random sets"));
    if (task_stopping(x->task))
        TRY(ERR_INTERRUPTED);
    exceed = w->exceed + thread * x->layers * places;
    for (int64_t d = block * DRAWS_A_BLOCK; d < w->draws && d < (block + 1) * DRAWS_A_BLOCK; d++) {
        for (int64_t s = 0; s < x->subsets; s++) {
            int64_t set = (w->layer * w->draws + d) * x->subsets + s;
            rng_draw(&r, (uint64_t)(set * x->width), x->width, need, order + s * x->width);
        }
        count_shared(order, NULL, x->subsets, x->width, x->layer_size, places, x->width, held,
                     shared);
        for (int64_t i = 0; i < x->layers * places; i++)
            exceed[i] += shared[i % places] >= x->within->observed[i];
    }
done:
    free(order);
    free(held);
    free(shared);
    return st;
}

status intersect_within_count(const intersect *x, int64_t layer, within_counts *out)
{
    status st = OK;
    int64_t length = x->fractions * x->subsets * x->subsets, cells = x->layers * x->fractions;
    int64_t threads = pool_threads(task_pool(x->task));
    layer_work w = {x, layer, params_int(task_params(x->task), "draws"), NULL, NULL};
    w.shared = out->shared = checked_calloc((size_t)length, sizeof *w.shared);
    w.exceed = out->exceed = checked_calloc((size_t)(threads * cells), sizeof *w.exceed);
    if (!w.shared || !w.exceed)
        TRY(status_no_memory("shared neurons"));
    TRY(pool_run(task_pool(x->task), x->subsets, count_pairs, &w));
    TRY(pool_run(task_pool(x->task), (w.draws + DRAWS_A_BLOCK - 1) / DRAWS_A_BLOCK, draw_block,
                 &w));
    for (int64_t i = cells; i < threads * cells; i++)
        w.exceed[i % cells] += w.exceed[i];
done:
    return st;
}

status intersect_within_add(const intersect *x, int64_t layer, const within_counts *counts,
                            partial *sum)
{
    int64_t length = x->fractions * x->subsets * x->subsets;
    status st = partial_add_counts(sum, INTERSECT_WITHIN, layer * length, length, counts->shared);
    return st == OK ? partial_add_counts(sum, INTERSECT_EXCEED, 0, x->layers * x->fractions,
                                         counts->exceed)
                    : st;
}

void intersect_within_drop(within_counts *counts)
{
    free(counts->shared);
    free(counts->exceed);
}

static status results_new(const intersect *x)
{
    intersect_within *r = x->within;
    size_t f = (size_t)x->fractions, l = (size_t)x->layers, s = (size_t)x->subsets;
    size_t item = sizeof(double), pairs;
    if (!checked_mul(f * l, s * s, &pairs))
        return status_no_memory("overlaps");
    bool ok = (r->neurons = checked_calloc(f, sizeof *r->neurons)) &&
              (r->overlap = checked_calloc(pairs, item)) &&
              (r->p_value = checked_calloc(pairs, item)) &&
              (r->p_value_log10 = checked_calloc(pairs, item)) &&
              (r->chance = checked_calloc(f, item)) && (r->chance_std = checked_calloc(f, item)) &&
              (r->mean = checked_calloc(f * l, item)) && (r->p_mean = checked_calloc(f * l, item));
    return ok ? OK : status_no_memory("overlaps");
}

// Chance of a share, and how far the mean over pairs of random sets is from it.
static void fill_chance(const intersect *x, int64_t fraction, int64_t size)
{
    intersect_within *r = x->within;
    double k = (double)size, n = (double)x->width;
    double pairs = (double)(x->subsets * (x->subsets - 1) / 2);
    double variance = n > 1 ? k * (k / n) * (1 - k / n) * (n - k) / (n - 1) : 0; // of one pair
    r->neurons[fraction] = size;
    r->chance[fraction] = k / n;
    r->chance_std[fraction] = size > 0 && pairs > 0 ? sqrt(variance / pairs) / k : NAN;
}

static void fill_layer(const intersect *x, const partial *sum, int64_t fraction, int64_t layer)
{
    intersect_within *r = x->within;
    int64_t n = x->subsets, place = x->slot[fraction], size = x->layer_size[place];
    int64_t at = fraction * x->layers + layer, cell = layer * x->fractions + place;
    const int64_t *shared = partial_counts(sum, INTERSECT_WITHIN) + cell * n * n;
    double draws = (double)params_int(task_params(x->task), "draws") * (double)x->layers;
    int64_t all = 0; // neurons of the first set of every pair
    bool tested = size > 0 && n > 1;
    for (int64_t i = 0; i < n * n; i++) {
        // The diagonal has the sizes of the sets: some may be smaller.
        const int64_t a = shared[i / n * (n + 1)], b = shared[i % n * (n + 1)];
        all += i / n < i % n ? a : 0;
        r->overlap[at * n * n + i] = a > 0 ? (double)shared[i] / (double)a : NAN;
        r->p_value[at * n * n + i] = i / n < i % n && a > 0 && b > 0
                                         ? hypergeometric_log_tail(shared[i], a, b, x->width)
                                         : NAN;
    }
    r->mean[at] = tested && all > 0 ? (double)r->observed[cell] / (double)all : NAN;
    double reached = (double)partial_counts(sum, INTERSECT_EXCEED)[cell];
    r->p_mean[at] = tested ? log((1 + reached) / (1 + draws)) : NAN;
}

// From logarithms above the diagonal to both variables, on both sides of it.
static void spread_p_values(const intersect *x)
{
    intersect_within *r = x->within;
    int64_t n = x->subsets;
    for (int64_t m = 0; m < x->fractions * x->layers; m++)
        for (int64_t a = 0; a < n; a++)
            for (int64_t b = a; b < n; b++) {
                double *p = r->p_value + m * n * n, *log10_p = r->p_value_log10 + m * n * n;
                double log_p = p[a * n + b];
                log10_p[a * n + b] = log10_p[b * n + a] = log_p / M_LN10;
                p[a * n + b] = p[b * n + a] = exp(log_p);
            }
}

status intersect_within_finish(intersect *x, const partial *sum, artefact_writer *w)
{
    static const shape of_share = {1, {"fraction"}}, of_layer = {2, {"fraction", "layer"}},
                       of_pair = {4, {"fraction", "layer", "subset_a", "subset_b"}};
    intersect_within *r = x->within;
    status st = OK;
    int64_t layers = x->fractions * x->layers;
    TRY(results_new(x));
    for (int64_t f = 0; f < x->fractions; f++) {
        fill_chance(x, f, x->layer_size[x->slot[f]]);
        for (int64_t l = 0; l < x->layers; l++)
            fill_layer(x, sum, f, l);
    }
    TRY(holm_correct(r->p_value, layers * x->subsets * x->subsets));
    TRY(holm_correct(r->p_mean, layers));
    spread_p_values(x);
    for (int64_t i = 0; i < layers; i++)
        r->p_mean[i] = exp(r->p_mean[i]);
    const described list[] = {
        {"neurons_within", VARIABLE_I64, &of_share, r->neurons, "neurons selected in each layer"},
        {"overlap_within", VARIABLE_F64, &of_pair, r->overlap,
         "share of subset_a's top neurons of the layer that are subset_b's too"},
        {"chance_within", VARIABLE_F64, &of_share, r->chance,
         "expected overlap of two random sets of a layer"},
        {"p_within", VARIABLE_F64, &of_pair, r->p_value,
         "probability that random sets of the layer share as many or more, Holm-corrected over "
         "shares, layers and pairs"},
        {"p_within_log10", VARIABLE_F64, &of_pair, r->p_value_log10,
         "decimal logarithm of p_within"},
        {"overlap_within_mean", VARIABLE_F64, &of_layer, r->mean,
         "mean of overlap_within over unordered pairs"},
        {"chance_within_std", VARIABLE_F64, &of_share, r->chance_std,
         "standard deviation of that mean for random sets"},
        {"p_within_mean", VARIABLE_F64, &of_layer, r->p_mean,
         "share of draws of random sets whose mean is as large or larger, Holm-corrected over "
         "shares and layers"},
    };
    TRY(described_write(w, list, sizeof list / sizeof *list));
done:
    return st;
}
