// SPDX-License-Identifier: Apache-2.0
// The sets of both steps stand in one list, and all pairs are counted as those of one step are:
// what is of a pair of one step is not read. So there is one way of counting.
#include "stages/intersect/intersect_between.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/base/checked.h"
#include "stages/intersect/described.h"
#include "stages/intersect/holm.h"
#include "stages/intersect/hypergeometric.h"

struct intersect_between { // each array owned
    char **subset_b;
    int64_t *neurons;                          // [fraction]
    double *overlap, *p_value, *p_value_log10; // [fraction][subset_a][subset_b]
    double *chance, *same, *others;            // [fraction]
};

void intersect_between_free(intersect_between *between)
{
    if (!between)
        return;
    free(between->subset_b);
    free(between->neurons);
    free(between->overlap);
    free(between->p_value);
    free(between->p_value_log10);
    free(between->chance);
    free(between->same);
    free(between->others);
    free(between);
}

status intersect_between_open(intersect *x, const artefact *second, const char *sites)
{
    status st = OK;
    x->between = checked_calloc(1, sizeof *x->between);
    if (!x->between)
        return status_no_memory("two steps of scores");
    TRY(scores_open(second, sites, &x->other));
    TRY(scores_read_subsets(&x->other, &x->between->subset_b));
    if (x->other.layers != x->layers || x->other.layer_width != x->width)
        TRY(status_fail(ERR_INPUT, artefact_path(second),
                        "scores of %lld layers of %lld neurons meet scores of %lld of %lld; "
                        "compare models of one shape",
                        (long long)x->other.layers, (long long)x->other.layer_width,
                        (long long)x->layers, (long long)x->width));
    x->split = x->subsets;
    x->subsets += x->other.subsets;
done:
    return st;
}

static status results_new(const intersect *x)
{
    intersect_between *r = x->between;
    size_t f = (size_t)x->fractions, item = sizeof(double);
    size_t pairs = f * (size_t)(x->split * (x->subsets - x->split));
    bool ok =
        (r->neurons = checked_calloc(f, sizeof *r->neurons)) &&
        (r->overlap = checked_calloc(pairs, item)) && (r->p_value = checked_calloc(pairs, item)) &&
        (r->p_value_log10 = checked_calloc(pairs, item)) && (r->chance = checked_calloc(f, item)) &&
        (r->same = checked_calloc(f, item)) && (r->others = checked_calloc(f, item));
    return ok ? OK : status_no_memory("overlaps");
}

static int64_t count_shared(const intersect *x, const partial *sum, int64_t place, int64_t a,
                            int64_t b)
{
    int64_t n = x->subsets, shared = 0;
    for (int64_t l = 0; l < x->layers; l++)
        shared +=
            partial_counts(sum, INTERSECT_SHARED)[((l * x->fractions + place) * n + a) * n + b];
    return shared;
}

static void fill_fraction(const intersect *x, const partial *sum, int64_t fraction)
{
    intersect_between *r = x->between;
    int64_t place = x->slot[fraction], size = x->size[place], columns = x->subsets - x->split;
    double same = 0, others = 0, same_pairs = 0, other_pairs = 0;
    for (int64_t a = 0; a < x->split; a++)
        for (int64_t b = 0; b < columns; b++) {
            int64_t at = (fraction * x->split + a) * columns + b;
            int64_t shared = count_shared(x, sum, place, a, x->split + b);
            // A set's own size: of a sparse model it may be smaller than asked.
            const int64_t of_a = count_shared(x, sum, place, a, a);
            const int64_t of_b = count_shared(x, sum, place, x->split + b, x->split + b);
            r->overlap[at] = of_a > 0 ? (double)shared / (double)of_a : NAN;
            r->p_value[at] = of_a > 0 && of_b > 0
                                 ? hypergeometric_log_tail(shared, of_a, of_b, x->neurons)
                                 : NAN;
            if (of_a == 0) // nothing to compare
                continue;
            bool named_alike = strcmp(x->subset[a], r->subset_b[b]) == 0;
            *(named_alike ? &same : &others) += r->overlap[at];
            *(named_alike ? &same_pairs : &other_pairs) += 1;
        }
    r->neurons[fraction] = size;
    r->chance[fraction] = (double)size / (double)x->neurons;
    r->same[fraction] = same_pairs > 0 ? same / same_pairs : NAN;
    r->others[fraction] = other_pairs > 0 ? others / other_pairs : NAN;
}

static status write_attributes(const intersect *x, artefact_writer *w)
{
    char *kind = artefact_get_attribute(x->scores.from, "modality");
    status st = OK;
    TRY(artefact_attribute(w, "title",
                           "Overlap of the most important neurons of two sets of "
                           "scores"));
    TRY(artefact_attribute(
        w, "summary",
        "Sets hold the top share of all neurons over all layers, ties to the lower index; subset_a "
        "is of the first step of scores, subset_b of the second. p_between: upper tail of the "
        "hypergeometric distribution, Holm-corrected over all shares and pairs."));
    if (kind)
        TRY(artefact_attribute(w, "modality", kind));
done:
    free(kind);
    return st;
}

status intersect_between_finish(intersect *x, const partial *sum, artefact_writer *w)
{
    static const shape of_share = {1, {"fraction"}}, of_a = {1, {"subset_a"}},
                       of_b = {1, {"subset_b"}},
                       of_pair = {3, {"fraction", "subset_a", "subset_b"}};
    intersect_between *r = x->between;
    status st = OK;
    int64_t tests = x->fractions * x->split * (x->subsets - x->split);
    TRY(results_new(x));
    for (int64_t f = 0; f < x->fractions; f++)
        fill_fraction(x, sum, f);
    TRY(holm_correct(r->p_value, tests));
    for (int64_t i = 0; i < tests; i++) {
        r->p_value_log10[i] = r->p_value[i] / M_LN10;
        r->p_value[i] = exp(r->p_value[i]);
    }
    TRY(artefact_dim(w, "fraction", x->fractions));
    TRY(artefact_dim(w, "subset_a", x->split));
    TRY(artefact_dim(w, "subset_b", x->subsets - x->split));
    const described list[] = {
        {"fraction", VARIABLE_F64, &of_share, x->fraction, "share of neurons selected"},
        {"neurons", VARIABLE_I64, &of_share, r->neurons, "neurons selected"},
        {"subset_a", VARIABLE_TEXT, &of_a, x->subset, "subset of the first step of scores"},
        {"subset_b", VARIABLE_TEXT, &of_b, r->subset_b, "subset of the second step of scores"},
        {"overlap_between", VARIABLE_F64, &of_pair, r->overlap,
         "share of subset_a's neurons that subset_b has too"},
        {"chance", VARIABLE_F64, &of_share, r->chance, "expected overlap of two random sets"},
        {"p_between", VARIABLE_F64, &of_pair, r->p_value,
         "probability that random sets share as many or more, Holm-corrected over shares and "
         "pairs"},
        {"p_between_log10", VARIABLE_F64, &of_pair, r->p_value_log10,
         "decimal logarithm of p_between"},
        {"overlap_between_same", VARIABLE_F64, &of_share, r->same,
         "mean overlap of subsets with one name"},
        {"overlap_between_others", VARIABLE_F64, &of_share, r->others,
         "mean overlap of subsets with two names"},
    };
    TRY(described_write(w, list, sizeof list / sizeof *list));
    TRY(write_attributes(x, w));
done:
    return st;
}
