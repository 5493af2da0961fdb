// SPDX-License-Identifier: Apache-2.0
// The sets without a fold are those of the whole once more, of other scores. Their counts are of all
// layers together: intervals are of nothing finer.
#include "stages/intersect/intersect_folds.h"

#include <math.h>
#include <stdlib.h>

#include "pipeline/base/checked.h"
#include "stages/common/jackknife.h"
#include "stages/common/neuron_set.h"
#include "stages/intersect/described.h"
#include "stages/intersect/overlap.h"

struct intersect_folds {          // each array owned
    uint16_t *first;              // [fold][subset][layer][width], as intersect's own
    double *low, *high;           // [fraction][subset_a][subset_b]
    double *mean_low, *mean_high; // [fraction]
    double *stability;            // [fraction][subset]
    double reach;                 // of an interval, in errors
};

void intersect_folds_free(intersect_folds *r)
{
    if (!r)
        return;
    free(r->first);
    free(r->low);
    free(r->high);
    free(r->mean_low);
    free(r->mean_high);
    free(r->stability);
    free(r);
}

// The sets of a (fold, subset).
static status rank_cell(void *context, int64_t cell, int thread)
{
    (void)thread;
    const intersect *x = context;
    status st = OK;
    double *score = checked_calloc((size_t)x->neurons, sizeof *score);
    int64_t *order = checked_calloc((size_t)x->neurons, sizeof *order);
    int64_t *size = checked_calloc((size_t)x->fractions, sizeof *size);
    if (!score || !order || !size)
        TRY(status_no_memory("an order of neurons"));
    TRY(scores_read_without(&x->scores, cell / x->subsets, cell % x->subsets, 0, x->layers, score));
    TRY(neuron_set_order(score, x->neurons, order));
    const int64_t known = scores_known(&x->scores, score, x->neurons);
    for (int64_t j = 0; j < x->fractions; j++)
        size[j] = x->size[j] < known ? x->size[j] : known;
    overlap_first(order, x->neurons, size, x->fractions, x->folds->first + cell * x->neurons);
done:
    free(score);
    free(order);
    free(size);
    return st;
}

status intersect_folds_open(intersect *x)
{
    const int64_t cells = x->scores.folds * x->subsets;
    intersect_folds *r = x->folds = checked_calloc(1, sizeof *r);
    if (!r || !(r->first = checked_calloc((size_t)cells, (size_t)x->neurons * sizeof *r->first)))
        return status_no_memory("sets of neurons");
    return pool_run(task_pool(x->task), cells, rank_cell, x);
}

// What a unit gathers before it adds it.
typedef struct fold_work {
    const intersect *x;
    int64_t layer;
    int64_t *shared; // [fold][place][subset][subset]
    int64_t *kept;   // [fold][place][subset]
} fold_work;

static status count_fold(void *context, int64_t fold, int thread)
{
    (void)thread;
    const fold_work *w = context;
    const intersect *x = w->x;
    const int64_t n = x->subsets, at = w->layer * x->width;
    const uint16_t *whole = x->first + at;
    const uint16_t *first = x->folds->first + fold * n * x->neurons + at;
    int64_t *shared = w->shared + fold * x->fractions * n * n;
    int64_t *kept = w->kept + fold * x->fractions * n;
    int64_t *count = checked_calloc((size_t)x->fractions + 1, sizeof *count);
    if (!count)
        return status_no_memory("shared neurons");
    for (int64_t a = 0; a < n; a++) {
        const uint16_t *own = first + a * x->neurons;
        overlap_count(whole + a * x->neurons, own, x->width, x->fractions, count);
        for (int64_t j = 0; j < x->fractions; j++)
            kept[j * n + a] = count[j];
        for (int64_t b = a; b < n; b++) {
            overlap_count(own, first + b * x->neurons, x->width, x->fractions, count);
            for (int64_t j = 0; j < x->fractions; j++)
                shared[(j * n + a) * n + b] = shared[(j * n + b) * n + a] = count[j];
        }
    }
    free(count);
    return OK;
}

status intersect_folds_count(const intersect *x, int64_t layer, partial *sum)
{
    status st = OK;
    const int64_t cells = x->scores.folds * x->fractions * x->subsets;
    fold_work w = {.x = x, .layer = layer};
    w.shared = checked_calloc((size_t)cells, (size_t)x->subsets * sizeof *w.shared);
    w.kept = checked_calloc((size_t)cells, sizeof *w.kept);
    if (!w.shared || !w.kept)
        TRY(status_no_memory("shared neurons"));
    TRY(pool_run(task_pool(x->task), x->scores.folds, count_fold, &w));
    TRY(partial_add_counts(sum, INTERSECT_WITHOUT, 0, cells * x->subsets, w.shared));
    TRY(partial_add_counts(sum, INTERSECT_KEPT, 0, cells, w.kept));
done:
    free(w.shared);
    free(w.kept);
    return st;
}

static status results_new(intersect *x)
{
    intersect_folds *r = x->folds;
    const size_t f = (size_t)x->fractions, s = (size_t)x->subsets, item = sizeof(double);
    const bool ok =
        (r->low = checked_calloc(f * s, s * item)) && (r->high = checked_calloc(f * s, s * item)) &&
        (r->mean_low = checked_calloc(f, item)) && (r->mean_high = checked_calloc(f, item)) &&
        (r->stability = checked_calloc(f * s, item));
    return ok ? OK : status_no_memory("intervals");
}

// The interval about a share, which lies between 0 and 1.
static void set_interval(const intersect *x, double about, const double *value, int64_t stride,
                         double *low, double *high)
{
    const int64_t folds = x->scores.folds;
    const double half = x->folds->reach * jackknife_error(value, folds, stride);
    *low = isnan(about - half) ? NAN : fmax(0, about - half);
    *high = isnan(about + half) ? NAN : fmin(1, about + half);
}

// The overlaps of a share without each fold, value[fold][subset_a][subset_b], and their means.
static status fill_values(const intersect *x, const partial *sum, int64_t place, double *value,
                          double *mean)
{
    status st = OK;
    const int64_t n = x->subsets, pairs = n * n;
    for (int64_t f = 0; f < x->scores.folds; f++) {
        const int64_t *shared =
            partial_counts(sum, INTERSECT_WITHOUT) + (f * x->fractions + place) * pairs;
        overlap_summary s;
        for (int64_t i = 0; i < pairs; i++) {
            const int64_t whole = shared[i / n * (n + 1)];
            value[f * pairs + i] = whole ? (double)shared[i] / (double)whole : NAN;
        }
        TRY(overlap_summarise(value + f * pairs, n, &s));
        mean[f] = s.mean;
    }
done:
    return st;
}

// How much of a subset's set the sets without a fold hold, on average; `size` is the set's.
static double mean_kept(const intersect *x, const partial *sum, int64_t place, int64_t subset,
                        int64_t size)
{
    const int64_t *kept = partial_counts(sum, INTERSECT_KEPT);
    double all = 0;
    for (int64_t f = 0; f < x->scores.folds; f++)
        all += (double)kept[(f * x->fractions + place) * x->subsets + subset];
    return size > 0 ? all / (double)(size * x->scores.folds) : NAN;
}

static int64_t set_size(const intersect *x, const partial *sum, int64_t place, int64_t subset)
{
    const int64_t n = x->subsets;
    int64_t size = 0;
    for (int64_t l = 0; l < x->layers; l++)
        size += partial_counts(
            sum, INTERSECT_SHARED)[((l * x->fractions + place) * n + subset) * n + subset];
    return size;
}

static status describe(const intersect *x, artefact_writer *w)
{
    static const shape of_share = {1, {"fraction"}}, of_subset = {2, {"fraction", "subset"}},
                       of_pair = {3, {"fraction", "subset_a", "subset_b"}};
    const intersect_folds *r = x->folds;
    const described list[] = {
        {"overlap_low", VARIABLE_F64, &of_pair, r->low,
         "lower end of overlap's 95% interval, by leaving out one fold at a time"},
        {"overlap_high", VARIABLE_F64, &of_pair, r->high, "upper end of overlap's 95% interval"},
        {"overlap_mean_low", VARIABLE_F64, &of_share, r->mean_low,
         "lower end of overlap_mean's 95% interval"},
        {"overlap_mean_high", VARIABLE_F64, &of_share, r->mean_high,
         "upper end of overlap_mean's 95% interval"},
        {"stability", VARIABLE_F64, &of_subset, r->stability,
         "share of the set that is in it without a fold too, mean over folds"},
    };
    return described_write(w, list, sizeof list / sizeof *list);
}

status intersect_folds_finish(intersect *x, const partial *sum, const double *overlap,
                              const double *mean, artefact_writer *w)
{
    status st;
    intersect_folds *r = x->folds;
    const int64_t n = x->subsets, pairs = n * n, folds = x->scores.folds;
    double *value = checked_calloc((size_t)(folds * pairs), sizeof *value);
    double *means = checked_calloc((size_t)folds, sizeof *means);
    if (!value || !means)
        TRY(status_no_memory("intervals"));
    TRY(results_new(x));
    r->reach = jackknife_reach(folds);
    for (int64_t f = 0; f < x->fractions; f++) {
        const int64_t place = x->slot[f];
        TRY(fill_values(x, sum, place, value, means));
        set_interval(x, mean[f], means, 1, r->mean_low + f, r->mean_high + f);
        for (int64_t i = 0; i < pairs; i++)
            set_interval(x, overlap[f * pairs + i], value + i, pairs, r->low + f * pairs + i,
                         r->high + f * pairs + i);
        for (int64_t k = 0; k < n; k++)
            r->stability[f * n + k] = mean_kept(x, sum, place, k, set_size(x, sum, place, k));
    }
    TRY(describe(x, w));
done:
    free(value);
    free(means);
    return st;
}
