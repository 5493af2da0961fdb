// SPDX-License-Identifier: Apache-2.0
// The stage `enrichment`: which clusters hold more of a subset's most important neurons than chance
// would put there.
//   homes: {stage: enrichment, from: [scores, experts], fractions: [0.01, 0.1]}
// Input: an artefact of `score` or `import`, and one of `cluster`. Output:
//   double fraction(fraction)                               1  the shares, as given
//   int64 neurons(fraction)                                 1  how many of each layer that selects
//   string subset(subset)                                   1  class or text domain
//   int size(layer, cluster)                                1  neurons of each cluster
//   int hits(fraction, subset, layer, cluster)              1  those of them that are selected
//   double enrichment(fraction, subset, layer, cluster)     1  hits ÷ what chance gives on average
//   double p_value(fraction, subset, layer, cluster)        1  P(chance gives as many), corrected
//   double p_value_log10(fraction, subset, layer, cluster)  1  its logarithm: no underflow
//   int64 enriched(fraction, subset)                        1  clusters with p_value below 0.05
// A subset's set holds the top share of each layer, ties to the lower index, as for `auc` of
// `intersect`, as far as neurons have a score: a layer that is used much enriches no cluster by
// that. p-values are hypergeometric, of so many or more, Holm-corrected over all shares, subsets,
// layers and clusters.
//
// No rounds: it is little more than ranking each layer once for each subset, which the owner's
// threads do.
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/base/checked.h"
#include "pipeline/stage.h"
#include "stages/common/neuron_set.h"
#include "stages/common/scores.h"
#include "stages/intersect/cluster_labels.h"
#include "stages/intersect/described.h"
#include "stages/intersect/holm.h"
#include "stages/intersect/hypergeometric.h"

enum { MAX_FRACTIONS = 1000 };

typedef struct enrichment {
    const task *task;     // borrowed
    const artefact *from; // of the scores
    scores scores;
    cluster_labels clusters;
    int64_t fractions, subsets;
    char **subset;    // owned, as all below
    double *fraction; // [fractions]
    int64_t *neurons; // [fractions] of each layer
    int32_t *size;    // [layers][clusters]
    int32_t *hits;    // [fractions][subsets][layers][clusters]
    double *enrichment, *p_value, *p_value_log10;
    int64_t *enriched; // [fractions][subsets]
} enrichment;

static const param_def parameters[] = {
    {"from", PARAM_FROM, .required = true, .help = "[scores, clusters]"},
    {"fractions", PARAM_REALS, .required = true, .high = 1,
     .help = "shares of each layer's neurons to select"},
    {0},
};

static status enrichment_check(const task *t)
{
    const params *p = task_params(t);
    if (task_inputs(t) != 2 || cluster_labels_are(t, 0) == cluster_labels_are(t, 1))
        return params_fail(p, "from",
                           "give one step of scores and one of clusters, as [scores, "
                           "experts]");
    if (params_count(p, "fractions") > MAX_FRACTIONS)
        return params_fail(p, "fractions", "%zu shares; give at most %d",
                           params_count(p, "fractions"), MAX_FRACTIONS);
    return OK;
}

static void enrichment_close(void *state)
{
    enrichment *e = state;
    if (!e)
        return;
    free(e->clusters.label);
    free(e->subset);
    free(e->fraction);
    free(e->neurons);
    free(e->size);
    free(e->hits);
    free(e->enrichment);
    free(e->p_value);
    free(e->p_value_log10);
    free(e->enriched);
    free(e);
}

static status enrichment_open(const task *t, void **state)
{
    status st = OK;
    enrichment *e = checked_calloc(1, sizeof *e);
    if (!e)
        return status_no_memory("enrichment");
    *state = e;
    e->task = t;
    size_t clusters = cluster_labels_are(t, 0) ? 0 : 1;
    e->from = task_input(t, 1 - clusters);
    TRY(scores_open(e->from, "mlp", &e->scores));
    TRY(cluster_labels_read(task_input(t, clusters), &e->clusters));
    TRY(scores_read_subsets(&e->scores, &e->subset));
    e->subsets = e->scores.subsets;
    if (e->clusters.layers != e->scores.layers || e->clusters.width != e->scores.layer_width)
        TRY(status_fail(ERR_INPUT, artefact_path(task_input(t, clusters)),
                        "clusters of %lld layers of %lld neurons, scores of %lld of %lld; cluster "
                        "a model of the same shape",
                        (long long)e->clusters.layers, (long long)e->clusters.width,
                        (long long)e->scores.layers, (long long)e->scores.layer_width));
done:
    return st;
}

static status results_new(enrichment *e)
{
    const params *p = task_params(e->task);
    size_t f = (size_t)params_count(p, "fractions"), s = (size_t)e->subsets, cells, item;
    size_t in_layers = (size_t)(e->clusters.layers * e->clusters.clusters);
    item = sizeof(double);
    e->fractions = (int64_t)f;
    if (!checked_mul(f * s, in_layers, &cells))
        return status_no_memory("enrichment");
    bool ok = (e->fraction = checked_calloc(f, item)) &&
              (e->neurons = checked_calloc(f, sizeof *e->neurons)) &&
              (e->size = checked_calloc(in_layers, sizeof *e->size)) &&
              (e->hits = checked_calloc(cells, sizeof *e->hits)) &&
              (e->enrichment = checked_calloc(cells, item)) &&
              (e->p_value = checked_calloc(cells, item)) &&
              (e->p_value_log10 = checked_calloc(cells, item)) &&
              (e->enriched = checked_calloc(f * s, sizeof *e->enriched));
    if (!ok)
        return status_no_memory("enrichment");
    for (size_t i = 0; i < f; i++) {
        e->fraction[i] = params_real_at(p, "fractions", i);
        e->neurons[i] = neuron_set_size(e->fraction[i], e->clusters.width);
    }
    for (int64_t i = 0; i < e->clusters.layers * e->clusters.width; i++)
        e->size[i / e->clusters.width * e->clusters.clusters + e->clusters.label[i]]++;
    return OK;
}

// The tests of one selection in one layer; uncorrected logarithms.
static void fill_selection(enrichment *e, int64_t fraction, int64_t subset, int64_t layer,
                           const int64_t *order, int64_t known)
{
    const int64_t k = e->clusters.clusters, n = e->clusters.width;
    const int64_t selected = e->neurons[fraction] < known ? e->neurons[fraction] : known;
    const int32_t *label = e->clusters.label + layer * n, *size = e->size + layer * k;
    int64_t at = ((fraction * e->subsets + subset) * e->clusters.layers + layer) * k;
    for (int64_t i = 0; i < selected; i++)
        e->hits[at + label[order[i]]]++;
    for (int64_t c = 0; c < k; c++) {
        bool tested = selected > 0 && size[c] > 0;
        double expected = (double)size[c] * (double)selected / (double)n;
        e->enrichment[at + c] = tested ? e->hits[at + c] / expected : NAN;
        e->p_value[at + c] =
            tested ? hypergeometric_log_tail(e->hits[at + c], size[c], selected, n) : NAN;
    }
}

static status rank_layer(void *context, int64_t item, int thread)
{
    (void)thread;
    enrichment *e = context;
    int64_t n = e->clusters.width, subset = item / e->clusters.layers,
            layer = item % e->clusters.layers, known;
    status st = OK;
    double *score = checked_calloc((size_t)n, sizeof *score);
    int64_t *order = checked_calloc((size_t)n, sizeof *order);
    if (!score || !order)
        TRY(status_no_memory("a layer's order of neurons"));
    if (task_stopping(e->task))
        TRY(ERR_INTERRUPTED);
    TRY(scores_read(&e->scores, subset, layer, 1, score));
    TRY(neuron_set_order(score, n, order));
    known = scores_known(&e->scores, score, n);
    for (int64_t f = 0; f < e->fractions; f++)
        fill_selection(e, f, subset, layer, order, known);
done:
    free(score);
    free(order);
    return st;
}

static status correct(enrichment *e)
{
    int64_t in_layers = e->clusters.layers * e->clusters.clusters;
    int64_t cells = e->fractions * e->subsets * in_layers;
    status st = holm_correct(e->p_value, cells);
    for (int64_t i = 0; i < cells && st == OK; i++) {
        e->p_value_log10[i] = e->p_value[i] / M_LN10;
        e->p_value[i] = exp(e->p_value[i]);
        e->enriched[i / in_layers] += e->p_value[i] < 0.05;
    }
    return st;
}

static status describe(const enrichment *e, artefact_writer *w)
{
    static const shape of_share = {1, {"fraction"}}, of_subset = {1, {"subset"}},
                       of_cluster = {2, {"layer", "cluster"}},
                       of_test = {4, {"fraction", "subset", "layer", "cluster"}},
                       of_selection = {2, {"fraction", "subset"}};
    const described list[] = {
        {"fraction", VARIABLE_F64, &of_share, e->fraction,
         "share of each layer's neurons selected"},
        {"neurons", VARIABLE_I64, &of_share, e->neurons, "neurons of each layer selected"},
        {"subset", VARIABLE_TEXT, &of_subset, e->subset, "subset"},
        {"size", VARIABLE_I32, &of_cluster, e->size, "neurons of each cluster"},
        {"hits", VARIABLE_I32, &of_test, e->hits, "neurons of the cluster that are selected"},
        {"enrichment", VARIABLE_F64, &of_test, e->enrichment,
         "hits divided by those expected by chance"},
        {"p_value", VARIABLE_F64, &of_test, e->p_value,
         "probability that a random selection has as many or more hits, Holm-corrected"},
        {"p_value_log10", VARIABLE_F64, &of_test, e->p_value_log10, "decimal logarithm of p_value"},
        {"enriched", VARIABLE_I64, &of_selection, e->enriched, "clusters with p_value below 0.05"},
    };
    status st = OK;
    TRY(artefact_dim(w, "fraction", e->fractions));
    TRY(artefact_dim(w, "subset", e->subsets));
    TRY(artefact_dim(w, "layer", e->clusters.layers));
    TRY(artefact_dim(w, "cluster", e->clusters.clusters));
    TRY(described_write(w, list, sizeof list / sizeof *list));
done:
    return st;
}

static status enrichment_finish(void *state, const round_state *finished, const partial *sum,
                                artefact_writer *w)
{
    (void)finished, (void)sum;
    enrichment *e = state;
    char *kind = artefact_get_attribute(e->from, "modality");
    status st = OK;
    TRY(results_new(e));
    TRY(pool_run(task_pool(e->task), e->subsets * e->clusters.layers, rank_layer, e));
    TRY(correct(e));
    TRY(describe(e, w));
    TRY(artefact_attribute(w, "title", "Clusters that hold the most important neurons of subsets"));
    TRY(artefact_attribute(w, "summary",
                           "Sets hold the top share of each layer. p_value: upper tail of the "
                           "hypergeometric distribution, Holm-corrected over all tests."));
    if (kind)
        TRY(artefact_attribute(w, "modality", kind));
done:
    free(kind);
    return st;
}

const stage_def stage_enrichment = {
    .name = "enrichment",
    .version = 1,
    .summary = "which clusters hold more of a subset's neurons than chance would",
    .params = parameters,
    .inputs = "score|import|cluster",
    .inputs_required = true,
    .check = enrichment_check,
    .open = enrichment_open,
    .finish = enrichment_finish,
    .close = enrichment_close,
};
