// SPDX-License-Identifier: Apache-2.0
// From counts to results, once the round is in: overlaps, p-values and areas for each share, on the
// pool's threads, and the variables that hold them (listed in intersect.c). Counts are of shares by
// ascending size, results in the order in which the shares were given: `slot` leads from one to the
// other.
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/base/checked.h"
#include "stages/intersect/cluster_auc.h"
#include "stages/intersect/described.h"
#include "stages/intersect/holm.h"
#include "stages/intersect/hypergeometric.h"
#include "stages/intersect/intersect_between.h"
#include "stages/intersect/intersect_folds.h"
#include "stages/intersect/intersect_state.h"
#include "stages/intersect/intersect_within.h"
#include "stages/intersect/overlap.h"

enum { SUMMARIES = 5 };

struct intersect_results { // each array owned
    int64_t *neurons;
    double *overlap, *overlap_layer, *chance, *p_value, *p_value_log10, *share_layer;
    double *summary[SUMMARIES]; // mean, median, std, min, max
    double *auc, *auc_chance, *auc_chance_error;
};

void intersect_results_free(intersect *x)
{
    intersect_results *r = x->results;
    if (!r)
        return;
    free(r->neurons);
    free(r->overlap);
    free(r->overlap_layer);
    free(r->chance);
    free(r->p_value);
    free(r->p_value_log10);
    free(r->share_layer);
    for (int i = 0; i < SUMMARIES; i++)
        free(r->summary[i]);
    free(r->auc);
    free(r->auc_chance);
    free(r->auc_chance_error);
    free(r);
    x->results = NULL;
}

static status results_new(intersect *x)
{
    size_t f = (size_t)x->fractions, s = (size_t)x->subsets, l = (size_t)x->layers;
    size_t item = sizeof(double), pairs = f * s * s;
    intersect_results *r = x->results = checked_calloc(1, sizeof *r);
    if (!r)
        return status_no_memory("results");
    bool ok = (r->neurons = checked_calloc(f, sizeof *r->neurons)) &&
              (r->overlap = checked_calloc(pairs, item)) &&
              (r->overlap_layer = checked_calloc(pairs, l * item)) &&
              (r->chance = checked_calloc(f, item)) && (r->p_value = checked_calloc(pairs, item)) &&
              (r->p_value_log10 = checked_calloc(pairs, item)) &&
              (r->share_layer = checked_calloc(f * s, l * item)) &&
              (r->auc = checked_calloc(f * s, l * item)) &&
              (r->auc_chance = checked_calloc(f, item)) &&
              (r->auc_chance_error = checked_calloc(f, item));
    for (int i = 0; ok && i < SUMMARIES; i++)
        ok = (r->summary[i] = checked_calloc(f, item));
    return ok ? OK : status_no_memory("overlaps");
}

typedef struct finish_work {
    const intersect *x;
    const partial *sum;
} finish_work;

static double ratio(int64_t part, int64_t whole)
{
    return whole ? (double)part / (double)whole : NAN;
}

// overlap, overlap_layer and share_layer of a share; total[subsets][subsets] = neurons shared over
// all layers.
static void fill_overlaps(const finish_work *w, int64_t fraction, int64_t *total)
{
    const intersect *x = w->x;
    intersect_results *r = x->results;
    int64_t n = x->subsets, pairs = n * n;
    const int64_t *shared = partial_counts(w->sum, INTERSECT_SHARED) + x->slot[fraction] * pairs;
    for (int64_t l = 0; l < x->layers; l++) {
        const int64_t *of_layer = shared + l * x->fractions * pairs;
        double *out = r->overlap_layer + (fraction * x->layers + l) * pairs;
        for (int64_t i = 0; i < pairs; i++) {
            total[i] += of_layer[i];
            out[i] = ratio(of_layer[i], of_layer[i / n * (n + 1)]);
        }
        for (int64_t s = 0; s < n; s++)
            r->share_layer[(fraction * n + s) * x->layers + l] =
                ratio(of_layer[s * (n + 1)], x->width);
    }
    for (int64_t i = 0; i < pairs; i++)
        r->overlap[fraction * pairs + i] = ratio(total[i], total[i / n * (n + 1)]);
}

// Only the pairs above the diagonal are tests, so that each pair counts once for the correction. The
// diagonal of `total` has the sizes of the sets.
static status fill_p_values(const finish_work *w, int64_t fraction, const int64_t *total)
{
    const intersect *x = w->x;
    const int64_t n = x->subsets;
    double *p = x->results->p_value + fraction * n * n;
    double *log10_p = x->results->p_value_log10 + fraction * n * n;
    for (int64_t i = 0; i < n * n; i++) {
        const int64_t a = total[i / n * (n + 1)], b = total[i % n * (n + 1)];
        bool tested = i / n < i % n && a > 0 && b > 0;
        p[i] = tested ? hypergeometric_log_tail(total[i], a, b, x->neurons) : NAN;
    }
    status st = holm_correct(p, n * n);
    for (int64_t a = 0; st == OK && a < n; a++)
        for (int64_t b = a; b < n; b++) {
            double log_p = p[a * n + b];
            log10_p[a * n + b] = log10_p[b * n + a] = log_p / M_LN10;
            p[a * n + b] = p[b * n + a] = exp(log_p);
        }
    return st;
}

static status fill_fraction(void *context, int64_t fraction, int thread)
{
    (void)thread;
    const finish_work *w = context;
    const intersect *x = w->x;
    intersect_results *r = x->results;
    int64_t n = x->subsets, place = x->slot[fraction];
    status st = OK;
    overlap_summary s;
    int64_t *total = checked_calloc((size_t)(n * n), sizeof *total);
    if (!total)
        TRY(status_no_memory("overlaps"));
    r->neurons[fraction] = x->size[place];
    r->chance[fraction] = ratio(x->size[place], x->neurons);
    fill_overlaps(w, fraction, total);
    TRY(fill_p_values(w, fraction, total));
    TRY(overlap_summarise(r->overlap + fraction * n * n, n, &s));
    const double summary[SUMMARIES] = {s.mean, s.median, s.std, s.min, s.max};
    for (int i = 0; i < SUMMARIES; i++)
        r->summary[i][fraction] = summary[i];
done:
    free(total);
    return st;
}

static void fill_clusters(const finish_work *w)
{
    const intersect *x = w->x;
    intersect_results *r = x->results;
    const int64_t *area = partial_counts(w->sum, INTERSECT_AREA);
    const int64_t *chance = partial_counts(w->sum, INTERSECT_CHANCE);
    const int64_t *square = partial_counts(w->sum, INTERSECT_SQUARE);
    int64_t n = x->fractions;
    double draws = (double)params_int(task_params(x->task), "draws"), layers = (double)x->layers;
    for (int64_t f = 0; f < n; f++) {
        int64_t place = x->slot[f], size = x->layer_size[place];
        for (int64_t s = 0; s < x->subsets; s++)
            for (int64_t l = 0; l < x->layers; l++) {
                const int64_t known = x->known[s * x->layers + l];
                r->auc[(f * x->subsets + s) * x->layers + l] =
                    cluster_auc((double)area[(l * x->subsets + s) * n + place],
                                size < known ? size : known, x->clusters);
            }
        double mean = 0, variance = 0; // of the area: mean over layers, and that mean's variance
        for (int64_t l = 0; l < x->layers; l++) {
            double of_layer = (double)chance[l * n + place] / draws;
            mean += of_layer / layers;
            variance += ((double)square[l * n + place] / draws - of_layer * of_layer) /
                        ((draws - 1) * layers * layers);
        }
        r->auc_chance[f] = cluster_auc(mean, size, x->clusters);
        r->auc_chance_error[f] = cluster_auc(sqrt(fmax(variance, 0)), size, x->clusters);
    }
}

static status write_attributes(const intersect *x, artefact_writer *w)
{
    char *kind = artefact_get_attribute(x->scores.from, "modality");
    char *unreached =
        x->scores.unknown ? artefact_get_attribute(x->scores.from, "unreached") : NULL;
    status st = OK;
    TRY(artefact_attribute(w, "title", "Overlap of the most important neurons of subsets"));
    TRY(artefact_attribute(
        w, "summary",
        "Sets hold the top share of all neurons over all layers, ties to the lower index. overlap: "
        "shared neurons divided by those of subset_a's set. p_value: upper tail of the "
        "hypergeometric distribution, Holm-corrected over the unordered pairs of a share."));
    if (kind)
        TRY(artefact_attribute(w, "modality", kind));
    if (unreached)
        TRY(artefact_attribute(w, "unreached", unreached));
    if (x->label)
        TRY(artefact_attribute(
            w, "auc_method",
            "Top share within each layer. Counts of selected neurons per cluster sorted "
            "descending, y their cumulative sum, m = min(selected, clusters): "
            "sum(y[0..m-1]) / (y[m] m). auc_chance: mean over `draws` uniformly random selections "
            "in each layer; auc_chance_error: its standard error."));
done:
    free(kind);
    free(unreached);
    return st;
}

static status write_dims(const intersect *x, artefact_writer *w)
{
    status st = OK;
    TRY(artefact_dim(w, "fraction", x->fractions));
    TRY(artefact_dim(w, "subset", x->subsets));
    TRY(artefact_dim(w, "subset_a", x->subsets));
    TRY(artefact_dim(w, "subset_b", x->subsets));
    TRY(artefact_dim(w, "layer", x->layers));
done:
    return st;
}

static const shape of_share = {1, {"fraction"}}, of_subset = {1, {"subset"}},
                   of_a = {1, {"subset_a"}}, of_b = {1, {"subset_b"}},
                   of_pair = {3, {"fraction", "subset_a", "subset_b"}},
                   of_layer_pair = {4, {"fraction", "layer", "subset_a", "subset_b"}},
                   of_layer = {3, {"fraction", "subset", "layer"}};

static status write_variables(const intersect *x, artefact_writer *w)
{
    const intersect_results *r = x->results;
    const described list[] = {
        {"fraction", VARIABLE_F64, &of_share, x->fraction, "share of neurons selected"},
        {"neurons", VARIABLE_I64, &of_share, r->neurons, "neurons selected"},
        {"subset", VARIABLE_TEXT, &of_subset, x->subset, "subset"},
        {"subset_a", VARIABLE_TEXT, &of_a, x->subset, "subset whose set is the whole"},
        {"subset_b", VARIABLE_TEXT, &of_b, x->subset, "subset compared with"},
        {"overlap", VARIABLE_F64, &of_pair, r->overlap,
         "share of subset_a's neurons that subset_b has too"},
        {"overlap_layer", VARIABLE_F64, &of_layer_pair, r->overlap_layer,
         "share of subset_a's neurons in the layer that subset_b has too"},
        {"chance", VARIABLE_F64, &of_share, r->chance, "expected overlap of two random sets"},
        {"p_value", VARIABLE_F64, &of_pair, r->p_value,
         "probability that random sets share as many or more, Holm-corrected"},
        {"p_value_log10", VARIABLE_F64, &of_pair, r->p_value_log10, "decimal logarithm of p_value"},
        {"share_layer", VARIABLE_F64, &of_layer, r->share_layer,
         "share of the layer's neurons that are selected"},
        {"overlap_mean", VARIABLE_F64, &of_share, r->summary[0],
         "mean overlap over unordered pairs"},
        {"overlap_median", VARIABLE_F64, &of_share, r->summary[1],
         "median overlap over unordered pairs"},
        {"overlap_std", VARIABLE_F64, &of_share, r->summary[2],
         "population standard deviation of overlap over unordered pairs"},
        {"overlap_min", VARIABLE_F64, &of_share, r->summary[3],
         "least overlap over unordered pairs"},
        {"overlap_max", VARIABLE_F64, &of_share, r->summary[4],
         "largest overlap over unordered pairs"},
    };
    const described clusters[] = {
        {"auc", VARIABLE_F64, &of_layer, r->auc,
         "area under the curve of selected neurons over clusters"},
        {"auc_chance", VARIABLE_F64, &of_share, r->auc_chance, "mean auc of random selections"},
        {"auc_chance_error", VARIABLE_F64, &of_share, r->auc_chance_error,
         "standard error of auc_chance"},
    };
    status st = described_write(w, list, sizeof list / sizeof *list);
    if (st == OK && x->label)
        st = described_write(w, clusters, sizeof clusters / sizeof *clusters);
    return st;
}

status intersect_finish(void *state, const round_state *finished, const partial *sum,
                        artefact_writer *w)
{
    (void)finished;
    intersect *x = state;
    finish_work work = {x, sum};
    status st = OK;
    if (x->split)
        return intersect_between_finish(x, sum, w);
    TRY(results_new(x));
    TRY(pool_run(task_pool(x->task), x->fractions, fill_fraction, &work));
    if (x->label)
        fill_clusters(&work);
    TRY(write_dims(x, w));
    TRY(write_variables(x, w));
    if (x->folds)
        TRY(intersect_folds_finish(x, sum, x->results->overlap, x->results->summary[0], w));
    TRY(write_attributes(x, w));
    if (x->within)
        TRY(intersect_within_finish(x, sum, w));
done:
    return st;
}
