// SPDX-License-Identifier: Apache-2.0
// The stage `agreement`: how far clusterings of the same neurons agree, layer by layer and over all
// layers, beside clusterings whose labels are permuted within each layer.
//   agree: {stage: agreement, from: [experts, groups]}
//   seeds: {stage: agreement, from: ["experts[seed=0]", "experts[seed=1]", "experts[seed=2]"]}
// Input: two or more artefacts of `cluster`; each pair of them is compared. Output:
//   string clustering_a(pair)           1  task of the pair's first clustering
//   string clustering_b(pair)           1  of its second
//   double ari(pair, layer)             1  adjusted Rand index (partition_agreement.h)
//   double ari_chance(pair, layer)      1  its mean over permutations
//   double ari_chance_std(pair, layer)  1  its standard deviation over them
//   double ari_p(pair, layer)           1  P(permuted labels agree as much)
//   double ari_mean(pair)               1  mean over layers
//   double ari_mean_p(pair)             1  P(that of permuted labels is as large)
//   double nmi(pair, layer)             1  normalised mutual information
//   double nmi_chance(pair, layer)      1  its mean over permutations
//   double nmi_chance_std(pair, layer)  1  its standard deviation over them
//   double nmi_p(pair, layer)           1  P(permuted labels agree as much)
//   double nmi_mean(pair)               1  mean over layers
//   double nmi_mean_p(pair)             1  P(that of permuted labels is as large)
// A p-value is (1 + permutations that reach it) ÷ (1 + permutations), Holm-corrected over all that
// its variable holds.
//
// No rounds: all of it is a second's work, done by the owner's threads, an item a layer of a pair.
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/base/checked.h"
#include "pipeline/base/rng.h"
#include "pipeline/base/text.h"
#include "pipeline/stage.h"
#include "stages/intersect/cluster_labels.h"
#include "stages/intersect/described.h"
#include "stages/intersect/holm.h"
#include "stages/intersect/partition_agreement.h"

enum { MAX_CLUSTERINGS = 20, MEASURES = 2 };

// Of ARI, and of NMI.
typedef struct agreement_results {
    double *value, *chance, *chance_std, *p; // [pair][layer]. Owned, as all here
    double *mean, *mean_p;                   // [pair]
    double *drawn;                           // [pair][layer][permutation]
} agreement_results;

typedef struct agreement {
    const task *task; // borrowed
    size_t clusterings;
    cluster_labels *labels; // [clusterings]
    int64_t pairs, layers, permutations;
    int64_t *first, *second; // [pairs] which clusterings
    const char **name_a, **name_b;
    agreement_results result[MEASURES];
} agreement;

static const param_def parameters[] = {
    {"from", PARAM_FROM, .required = true, .help = "two or more steps of clusters"},
    {"permutations", PARAM_INT, "1000", .low = 1, .high = 1e6,
     .help = "of the labels within each layer, for chance and p-values"},
    {"seed", PARAM_INT, "1", .low = 0, .high = 9e15, .help = "of the permutations"},
    {0},
};

static status agreement_check(const task *t)
{
    if (task_inputs(t) < 2 || task_inputs(t) > MAX_CLUSTERINGS)
        return params_fail(task_params(t), "from",
                           "%zu clusterings; give 2 to %d, as [experts, groups] or "
                           "[\"experts[seed=0]\", \"experts[seed=1]\"]",
                           task_inputs(t), MAX_CLUSTERINGS);
    return OK;
}

static void agreement_close(void *state)
{
    agreement *g = state;
    if (!g)
        return;
    for (size_t i = 0; g->labels && i < g->clusterings; i++)
        free(g->labels[i].label);
    for (int m = 0; m < MEASURES; m++) {
        agreement_results *r = &g->result[m];
        double *const owned[] = {r->value, r->chance, r->chance_std, r->p,
                                 r->mean,  r->mean_p, r->drawn};
        for (size_t i = 0; i < sizeof owned / sizeof *owned; i++)
            free(owned[i]);
    }
    free(g->labels);
    free(g->first);
    free(g->second);
    free(g->name_a);
    free(g->name_b);
    free(g);
}

static status read_labels(agreement *g)
{
    status st = OK;
    for (size_t i = 0; i < g->clusterings; i++) {
        const artefact *a = task_input(g->task, i);
        TRY(cluster_labels_read(a, &g->labels[i]));
        if (g->labels[i].layers != g->labels[0].layers || g->labels[i].width != g->labels[0].width)
            TRY(status_fail(ERR_INPUT, artefact_path(a),
                            "clusters of %lld layers of %lld neurons, beside those of %lld of "
                            "%lld; compare models of one shape",
                            (long long)g->labels[i].layers, (long long)g->labels[i].width,
                            (long long)g->labels[0].layers, (long long)g->labels[0].width));
    }
    g->layers = g->labels[0].layers;
done:
    return st;
}

static status agreement_open(const task *t, void **state)
{
    status st = OK;
    size_t n = task_inputs(t), pairs = n * (n - 1) / 2, at = 0;
    agreement *g = checked_calloc(1, sizeof *g);
    if (!g)
        return status_no_memory("agreement");
    *state = g;
    g->task = t;
    g->clusterings = n;
    g->pairs = (int64_t)pairs;
    g->permutations = params_int(task_params(t), "permutations");
    g->labels = checked_calloc(n, sizeof *g->labels);
    g->first = checked_calloc(pairs, sizeof *g->first);
    g->second = checked_calloc(pairs, sizeof *g->second);
    g->name_a = checked_calloc(pairs, sizeof *g->name_a);
    g->name_b = checked_calloc(pairs, sizeof *g->name_b);
    if (!g->labels || !g->first || !g->second || !g->name_a || !g->name_b)
        TRY(status_no_memory("agreement"));
    for (size_t i = 0; i < n; i++)
        for (size_t j = i + 1; j < n; j++, at++) {
            g->first[at] = (int64_t)i;
            g->second[at] = (int64_t)j;
            g->name_a[at] = task_input_label(t, i);
            g->name_b[at] = task_input_label(t, j);
        }
    TRY(read_labels(g));
done:
    return st;
}

static status results_new(agreement *g)
{
    size_t cells = (size_t)(g->pairs * g->layers), draws, item = sizeof(double);
    if (!checked_mul(cells, (size_t)g->permutations, &draws))
        return status_no_memory("agreement");
    for (int m = 0; m < MEASURES; m++) {
        agreement_results *r = &g->result[m];
        bool ok =
            (r->value = checked_calloc(cells, item)) && (r->chance = checked_calloc(cells, item)) &&
            (r->chance_std = checked_calloc(cells, item)) && (r->p = checked_calloc(cells, item)) &&
            (r->mean = checked_calloc((size_t)g->pairs, item)) &&
            (r->mean_p = checked_calloc((size_t)g->pairs, item)) &&
            (r->drawn = checked_calloc(draws, item));
        if (!ok)
            return status_no_memory("agreement");
    }
    return OK;
}

// A stream by pair and layer.
static status compare_layer(void *context, int64_t item, int thread)
{
    (void)thread;
    agreement *g = context;
    int64_t pair = item / g->layers, layer = item % g->layers;
    const cluster_labels *a = &g->labels[g->first[pair]], *b = &g->labels[g->second[pair]];
    const partition_pair both = {a->label + layer * a->width, b->label + layer * b->width, a->width,
                                 a->clusters, b->clusters};
    partition_measure measure[MEASURES];
    if (task_stopping(g->task))
        return ERR_INTERRUPTED;
    char *name = text_format("agreement/pair=%lld/layer=%lld", (long long)pair, (long long)layer);
    if (!name)
        return status_no_memory("agreement");
    const rng r = rng_new((uint64_t)params_int(task_params(g->task), "seed"), name);
    free(name);
    for (int m = 0; m < MEASURES; m++)
        measure[m].drawn = g->result[m].drawn + item * g->permutations;
    status st = partition_agreement(&both, &r, g->permutations, &measure[0], &measure[1]);
    for (int m = 0; m < MEASURES && st == OK; m++) {
        agreement_results *out = &g->result[m];
        out->value[item] = measure[m].value;
        out->chance[item] = measure[m].mean;
        out->chance_std[item] = measure[m].std;
        out->p[item] = log((1 + (double)measure[m].reached) / (1 + (double)g->permutations));
    }
    return st;
}

// The mean over layers, and how many permutations of all layers together reach it.
static void fill_mean(const agreement *g, agreement_results *r, int64_t pair)
{
    const double *drawn = r->drawn + pair * g->layers * g->permutations;
    double value = 0, reached = 0;
    for (int64_t l = 0; l < g->layers; l++)
        value += r->value[pair * g->layers + l];
    for (int64_t t = 0; t < g->permutations; t++) {
        double sum = 0;
        for (int64_t l = 0; l < g->layers; l++)
            sum += drawn[l * g->permutations + t];
        reached += sum >= value;
    }
    r->mean[pair] = value / (double)g->layers;
    r->mean_p[pair] = log((1 + reached) / (1 + (double)g->permutations));
}

static status correct(double *log_p, int64_t n)
{
    status st = holm_correct(log_p, n);
    for (int64_t i = 0; i < n && st == OK; i++)
        log_p[i] = exp(log_p[i]);
    return st;
}

static const shape of_pair = {1, {"pair"}};

static status describe_measure(artefact_writer *w, const agreement_results *r, const char *prefix,
                               const char *measure)
{
    static const shape of_layer = {2, {"pair", "layer"}};
    // %s is the measure; names follow the prefix.
    const described list[] = {
        {"", VARIABLE_F64, &of_layer, r->value, "%s of the two clusterings"},
        {"_chance", VARIABLE_F64, &of_layer, r->chance, "mean %s over permutations of the labels"},
        {"_chance_std", VARIABLE_F64, &of_layer, r->chance_std,
         "standard deviation of %s over permutations"},
        {"_p", VARIABLE_F64, &of_layer, r->p,
         "probability that permuted labels have as large a %s, corrected"},
        {"_mean", VARIABLE_F64, &of_pair, r->mean, "mean %s over layers"},
        {"_mean_p", VARIABLE_F64, &of_pair, r->mean_p,
         "probability that permuted labels have as large a mean %s, corrected"},
    };
    status st = OK;
    for (size_t i = 0; i < sizeof list / sizeof *list && st == OK; i++) {
        text name = {0}, long_name = {0};
        const char *mark = strstr(list[i].long_name, "%s");
        text_addf(&name, "%s%s", prefix, list[i].name);
        text_addf(&long_name, "%.*s%s%s", (int)(mark - list[i].long_name), list[i].long_name,
                  measure, mark + 2);
        described named = list[i];
        named.name = name.at;
        named.long_name = long_name.at;
        st = name.failed || long_name.failed ? status_no_memory("names of variables")
                                             : described_write(w, &named, 1);
        text_free(&name);
        text_free(&long_name);
    }
    return st;
}

static status agreement_finish(void *state, const round_state *finished, const partial *sum,
                               artefact_writer *w)
{
    (void)finished, (void)sum;
    status st = OK;
    agreement *g = state;
    const described names[] = {
        {"clustering_a", VARIABLE_TEXT, &of_pair, g->name_a, "first clustering"},
        {"clustering_b", VARIABLE_TEXT, &of_pair, g->name_b, "second clustering"},
    };
    TRY(results_new(g));
    TRY(pool_run(task_pool(g->task), g->pairs * g->layers, compare_layer, g));
    for (int m = 0; m < MEASURES; m++) {
        for (int64_t p = 0; p < g->pairs; p++)
            fill_mean(g, &g->result[m], p);
        TRY(correct(g->result[m].p, g->pairs * g->layers));
        TRY(correct(g->result[m].mean_p, g->pairs));
    }
    TRY(artefact_dim(w, "pair", g->pairs));
    TRY(artefact_dim(w, "layer", g->layers));
    TRY(described_write(w, names, sizeof names / sizeof *names));
    TRY(describe_measure(w, &g->result[0], "ari", "adjusted Rand index"));
    TRY(describe_measure(w, &g->result[1], "nmi", "normalised mutual information"));
    TRY(artefact_attribute(w, "title", "Agreement of clusterings of neurons"));
    TRY(artefact_attribute(
        w, "summary",
        "ARI: adjusted Rand index. NMI: mutual information divided by the mean entropy. Chance: "
        "labels permuted within each layer. p-values: Holm-corrected over all of a variable."));
done:
    return st;
}

const stage_def stage_agreement = {
    .name = "agreement",
    .version = 1,
    .summary = "how far clusterings of the same neurons agree, against permuted labels",
    .params = parameters,
    .inputs = "cluster",
    .inputs_required = true,
    .check = agreement_check,
    .open = agreement_open,
    .finish = agreement_finish,
    .close = agreement_close,
};
