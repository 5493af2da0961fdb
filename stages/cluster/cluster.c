// SPDX-License-Identifier: Apache-2.0
// The stage `cluster`: groups each layer's MLP neurons into clusters, of equal size but for
// communities (sizes differ by one where `clusters` does not divide the neurons).
//   experts: {stage: cluster, model: trained, method: weights, clusters: 16}
//   experts: {stage: cluster, from: activations, method: coactivation, clusters: 16}
//   groups:  {stage: cluster, from: activations, method: communities}
// By `method`:
//   weights        balanced k-means of the rows of W_in, scaled to unit length: MoEfication's
//                  parameter clustering
//   coactivation   balanced k-means of firing vectors (0 or 1 a sampled token), scaled likewise
//   graph          METIS's cut of the co-firing graph (cofiring_graph.h)
//   communities    Leiden's communities of the co-firing graph: as many, and as large, as there are
//   random         a random permutation, cut into equal runs
//   experts        the experts of a sparse model: not found, but what its training made
// Output:
//   int cluster(layer, unit)            1  0 holds the lowest neuron, 1 the lowest outside 0, …
//   int size(layer, cluster)            1  neurons of each cluster
//   double inertia(layer)               1  sum of squared distances to the clusters' means
//   double inertia_start(layer, start)  1  that of each start, with k-means
//   int communities(layer)              1  clusters that are not empty, with communities
//   double modularity(layer)            1  of the communities (graph_modularity.h), with communities
//   double modularity_null(layer, null) 1  of those of each rewired graph, with communities
//   double modularity_p(layer)          1  P(a rewired graph's is as large), with communities
// Inertia is of the rows of W_in scaled to unit length (weights, random, experts), or of the firing
// vectors (coactivation, graph, communities).
//
// One round. Its units are (layer, start) for k-means, (layer, null) for communities, null 0 being
// the graph itself, (layer) otherwise; a unit adds its labels and its inertia into zeros of its
// own, and `finish` keeps each layer's best start (of equals the first).
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

#include "model/model.h"
#include "pipeline/base/checked.h"
#include "pipeline/stage.h"
#include "stages/cluster/balanced_kmeans.h"
#include "stages/cluster/cluster_method.h"
#include "stages/cluster/leiden.h"
#include "stages/common/resources.h"

typedef struct cluster_state {
    const task *task; // borrowed
    cluster_layers *rows;
    cluster_shape shape;
    int starts;            // units of a layer
    bool found;            // clusters are, and only the first unit of a layer has labels
    int nulls;             // rewired graphs of a layer
    int32_t *cluster;      // [layers, neurons] of the artefact, as are those below
    int32_t *size;         // [layers, clusters]
    double *inertia;       // [layers]
    double *inertia_start; // [layers, starts]
    int32_t *communities;  // [layers]
    double *modularity;    // [layers]
    double *modularity_null, *modularity_p; // [layers, nulls], [layers]
} cluster_state;

enum { FIELD_LABELS, FIELD_INERTIA, FIELD_MODULARITY, FIELDS };
enum { NO_MODULARITY = 2 }; // a number that none has, for NaN: that of a graph without edges

static const param_def cluster_params[] = {
    {"model", PARAM_RESOURCE, .section = "models", .help = "whose neurons; inherited with `from`"},
    {"method", PARAM_TEXT, .value = "weights",
     .choices = "weights|coactivation|graph|communities|random|experts",
     .help = "what neurons of a cluster share; coactivation, graph and communities are `from` a "
             "collect step with `firing:`; experts: a sparse model's own"},
    {"clusters", PARAM_INT, .low = 1, .high = 1 << 20,
     .help = "clusters of each layer, of equal size; of method experts there are as many as "
             "experts, and communities finds how many there are"},
    {"starts", PARAM_INT, .value = "10", .low = 1, .high = 10000,
     .help = "k-means++ starts, of which the best is kept"},
    {"iterations", PARAM_INT, .value = "300", .low = 1, .high = 1000000,
     .help = "of a k-means start, at most"},
    {"tolerance", PARAM_REAL, .value = "1e-4", .low = 0, .high = 1,
     .help = "a k-means start ends when its centres' squared shift is at most this share of the "
             "mean variance of a column"},
    {"seed", PARAM_INT, .value = "0", .low = 0, .high = 9e15,
     .help = "of starts, permutation and partition"},
    {"resolution", PARAM_REAL, .low = 1e-6, .high = 1e6,
     .help = "communities: of modularity; 1 where it is left out, more for smaller ones"},
    {"nulls", PARAM_INT, .low = 0, .high = 10000,
     .help = "communities: rewired graphs of each layer, for chance; 20 where it is left out"},
    {0},
};

// What communities take and the other methods do not, and the other way round.
static status check_found(const task *t, const cluster_method *how)
{
    static const char *const only[] = {"resolution", "nulls"};
    const params *p = task_params(t);
    if (!how->found && !how->experts && !params_has(p, "clusters"))
        return params_fail(p, "method", "method %s needs a number of clusters; add `clusters: 16`",
                           how->name);
    if (how->found && params_has(p, "clusters"))
        return params_fail(p, "clusters", "method %s finds how many there are; leave it out",
                           how->name);
    for (size_t i = 0; i < sizeof only / sizeof *only; i++)
        if (!how->found && params_has(p, only[i]))
            return params_fail(p, only[i], "method %s has no use for it; leave it out", how->name);
    if (how->found && !leiden_present())
        return params_fail(p, "method",
                           "method %s needs igraph, which this program was built "
                           "without (libigraph-dev)",
                           how->name);
    return OK;
}

static status cluster_check(const task *t)
{
    status st = OK;
    const params *p = task_params(t);
    const cluster_method *how = cluster_method_of(t);
    TRY(check_found(t, how));
    if (how->firing && task_inputs(t) != 1)
        return params_fail(p, "method",
                           "method %s needs firing vectors; add `from:` with one "
                           "collect step that has `firing: 1000`",
                           how->name);
    if (how->firing) {
        const params *collect = task_input_params(t, 0);
        if (!params_lists(collect, "sites", "mlp") || params_int(collect, "firing") == 0)
            return params_fail(p, "method",
                               "method %s needs firing vectors, and %s collects none; "
                               "give it `firing: 1000` and mlp among its `sites`",
                               how->name, task_input_label(t, 0));
    }
    if (!how->firing && task_inputs(t) > 1)
        return params_fail(p, "from", "method %s takes at most one input", how->name);
    if (!task_resource_name(t, "model", 0))
        return params_fail(p, "method", "method %s needs a model; add `model:`", how->name);
done:
    return st;
}

static int units_of_layer(const task *t, const cluster_method *how)
{
    return how->found    ? 1 + cluster_nulls(t)
           : how->starts ? (int)params_int(task_params(t), "starts")
                         : 1;
}

// Operations of a unit: k-means mostly ends within 30 iterations, and its seeding costs as much
// as 10.
static double unit_operations(const cluster_method *how, double neurons, double width,
                              double clusters)
{
    double distances = 2 * neurons * width * clusters, pairs = neurons * neurons * width / 64;
    return how->starts ? 40 * distances : how->firing ? pairs : neurons * width;
}

// Counts of all pairs, once; and of a dense graph both arrays, where communities are sought for each
// layer that is held, and a rewired one and what igraph makes of either for each thread.
static double graph_bytes(const task *t, const cluster_method *how, double neurons)
{
    const double ends = neurons * neurons, graph = 8 * ends;
    if (!how->found)
        return 4 * ends + graph;
    const double lanes = pool_threads(task_pool(t));
    return 4 * ends + cluster_layers_held(t) * graph +
           lanes * (leiden_bytes(ends / 2) + (cluster_nulls(t) > 0 ? graph : 0));
}

static status cluster_estimate(const task *t, estimate *out)
{
    const model_info *info = model_get_info(stage_model(t));
    const cluster_method *how = cluster_method_of(t);
    double neurons = info->d_mlp, width = info->hidden_size;
    int clusters = 0;
    status st = OK;
    TRY(cluster_count(t, info->d_mlp, &clusters));
    if (how->firing) // of some 16 subsets: how many there are is known once they are collected
        width = 16.0 * (double)params_int(task_input_params(t, 0), "firing");
    out->units = info->layers * units_of_layer(t, how);
    if (!how->firing)
        out->operations = (double)out->units * unit_operations(how, neurons, width, clusters);
    const int lanes = pool_threads(task_pool(t));
    out->memory_bytes = cluster_layers_held(t) * neurons * width * 4;
    if (!how->firing && products_float32() == PACKING_NONE)
        out->memory_bytes += stage_products_bytes(lanes); // ours have no buffers
    if (how->starts)
        out->memory_bytes +=
            lanes * balanced_kmeans_bytes(info->d_mlp, (int64_t)width, clusters, lanes);
    else if (how->firing)
        out->memory_bytes += graph_bytes(t, how, neurons);
    out->shared_bytes = stage_model_bytes(t);
    out->disk_bytes = info->layers * (neurons + clusters) * 4;
done:
    return st;
}

static void cluster_close(void *state)
{
    cluster_state *s = state;
    if (!s)
        return;
    cluster_layers_free(s->rows);
    free(s->cluster);
    free(s->size);
    free(s->inertia);
    free(s->inertia_start);
    free(s->communities);
    free(s->modularity);
    free(s->modularity_null);
    free(s->modularity_p);
    free(s);
}

static status cluster_open(const task *t, void **state)
{
    status st = OK;
    cluster_state *s = checked_calloc(1, sizeof *s);
    if (!s)
        TRY(status_no_memory("clusters"));
    s->task = t;
    TRY(cluster_layers_new(t, &s->rows));
    s->shape = *cluster_layers_shape(s->rows);
    s->starts = units_of_layer(t, cluster_method_of(t));
    s->found = cluster_method_of(t)->found;
    s->nulls = s->found ? cluster_nulls(t) : 0;
    *state = s;
    s = NULL;
done:
    cluster_close(s);
    return st;
}

static status cluster_next(void *state, const round_state *finished, const partial *sum,
                           round_state *next, bool *done)
{
    (void)state;
    (void)sum;
    *done = finished != NULL;
    if (!finished && !round_extend(next, 1))
        return status_no_memory("a round");
    return OK;
}

static status cluster_plan(void *state, const round_state *round, round_plan *out)
{
    const cluster_state *s = state;
    (void)round;
    out->units = (int64_t)s->shape.layers * s->starts;
    const int64_t labelled = s->found ? s->shape.layers : out->units;
    out->shape = (partial_shape){.fields = s->found ? FIELDS : FIELDS - 1};
    out->shape.field[FIELD_LABELS] =
        (partial_field){"cluster labels", PARTIAL_COUNT, labelled * s->shape.neurons};
    out->shape.field[FIELD_INERTIA] = (partial_field){"inertia", PARTIAL_SUM, labelled};
    out->shape.field[FIELD_MODULARITY] = (partial_field){"modularity", PARTIAL_SUM, out->units};
    return OK;
}

static double cluster_cost(void *state, const round_state *round, int64_t unit)
{
    const cluster_state *s = state;
    (void)round;
    (void)unit;
    return unit_operations(cluster_method_of(s->task), (double)s->shape.neurons,
                           (double)s->shape.width, s->shape.clusters);
}

// The labels of a layer and their inertia, at `at` among those that the round has.
static status add_labels(const cluster_state *s, int layer, int64_t at, const int32_t *label,
                         double inertia, partial *sum)
{
    status st = OK;
    fixed exact;
    int64_t *counts = checked_calloc((size_t)s->shape.neurons, sizeof *counts);
    if (!counts)
        TRY(status_no_memory("clusters"));
    if (!fixed_from(inertia, &exact))
        TRY(status_fail(ERR_NUMERIC, task_label(s->task), "the inertia of layer %d is %g", layer,
                        inertia));
    for (int64_t i = 0; i < s->shape.neurons; i++)
        counts[i] = label[i];
    TRY(partial_add_counts(sum, FIELD_LABELS, at * s->shape.neurons, s->shape.neurons, counts));
    TRY(partial_add_sums(sum, FIELD_INERTIA, at, 1, &exact));
done:
    free(counts);
    return st;
}

static status cluster_unit(void *state, const round_state *round, int64_t unit, int lane,
                           partial *sum)
{
    const cluster_state *s = state;
    (void)round;
    status st = OK;
    int32_t *label = checked_calloc((size_t)s->shape.neurons, sizeof *label);
    int layer = (int)(unit / s->starts), start = (int)(unit % s->starts);
    double inertia = 0, modularity = 0;
    fixed exact = 0;
    if (!label)
        TRY(status_no_memory("clusters"));
    if (s->found)
        TRY(cluster_layers_communities(s->rows, layer, start, label, &inertia, &modularity));
    else
        TRY(cluster_layers_label(s->rows, layer, start, lane, label, &inertia));
    if (s->found && !fixed_from(isnan(modularity) ? NO_MODULARITY : modularity, &exact))
        TRY(status_fail(ERR_NUMERIC, task_label(s->task), "the modularity of layer %d is %g", layer,
                        modularity));
    if (!s->found || start == 0)
        TRY(add_labels(s, layer, s->found ? layer : unit, label, inertia, sum));
    if (s->found)
        TRY(partial_add_sums(sum, FIELD_MODULARITY, unit, 1, &exact));
done:
    free(label);
    return st;
}

// Names clusters by their lowest neuron, ascending.
static status rename_clusters(const cluster_state *s, int32_t *cluster)
{
    int32_t *name = checked_calloc((size_t)s->shape.clusters, sizeof *name); // 1 + the new one
    if (!name)
        return status_no_memory("cluster names");
    int32_t used = 0;
    for (int64_t i = 0; i < s->shape.neurons; i++) {
        if (name[cluster[i]] == 0)
            name[cluster[i]] = ++used;
        cluster[i] = name[cluster[i]] - 1;
    }
    free(name);
    return OK;
}

// Keeps each layer's best start.
static status choose_starts(cluster_state *s, const partial *sum)
{
    status st = OK;
    const int64_t *labels = partial_counts(sum, FIELD_LABELS);
    const fixed *inertia = partial_sums(sum, FIELD_INERTIA);
    const int starts = s->found ? 1 : s->starts; // with labels
    for (int layer = 0; layer < s->shape.layers; layer++) {
        int64_t first = (int64_t)layer * starts, best = first;
        for (int64_t unit = first; unit < first + starts; unit++) {
            s->inertia_start[unit] = fixed_to(inertia[unit]);
            best = inertia[unit] < inertia[best] ? unit : best;
        }
        int32_t *cluster = s->cluster + layer * s->shape.neurons;
        for (int64_t i = 0; i < s->shape.neurons; i++)
            cluster[i] = (int32_t)labels[best * s->shape.neurons + i];
        TRY(rename_clusters(s, cluster));
        s->inertia[layer] = s->inertia_start[best];
    }
done:
    return st;
}

// The clusters of a layer, or of the one that has most; and each one's neurons.
static status count_sizes(cluster_state *s)
{
    const size_t layers = (size_t)s->shape.layers;
    int32_t most = 0;
    for (int64_t i = 0; i < s->shape.layers * s->shape.neurons; i++)
        most = s->cluster[i] >= most ? s->cluster[i] + 1 : most;
    if (s->found)
        s->shape.clusters = most;
    s->size = checked_calloc(layers * (size_t)s->shape.clusters, sizeof *s->size);
    s->communities = checked_calloc(layers, sizeof *s->communities);
    if (!s->size || !s->communities)
        return status_no_memory("clusters");
    for (int64_t i = 0; i < s->shape.layers * s->shape.neurons; i++) {
        int64_t layer = i / s->shape.neurons;
        int32_t *size = &s->size[layer * s->shape.clusters + s->cluster[i]];
        s->communities[layer] += (*size)++ == 0;
    }
    return OK;
}

static double modularity_from(fixed exact)
{
    const double q = fixed_to(exact);
    return q == NO_MODULARITY ? NAN : q;
}

static status fill_modularity(cluster_state *s, const partial *sum)
{
    const size_t layers = (size_t)s->shape.layers, nulls = (size_t)s->nulls;
    const fixed *q = partial_sums(sum, FIELD_MODULARITY);
    s->modularity = checked_calloc(layers, sizeof *s->modularity);
    s->modularity_p = checked_calloc(layers, sizeof *s->modularity_p);
    s->modularity_null = checked_calloc(layers * nulls, sizeof *s->modularity_null);
    if (!s->modularity || !s->modularity_p || !s->modularity_null)
        return status_no_memory("modularity");
    for (size_t l = 0; l < layers; l++) {
        const fixed *of_layer = q + l * (size_t)s->starts;
        int reached = 0;
        for (size_t i = 0; i < nulls; i++) {
            s->modularity_null[l * nulls + i] = modularity_from(of_layer[1 + i]);
            reached += of_layer[1 + i] >= of_layer[0];
        }
        s->modularity[l] = modularity_from(of_layer[0]);
        s->modularity_p[l] =
            isnan(s->modularity[l]) || nulls == 0 ? NAN : (1.0 + reached) / (1.0 + s->nulls);
    }
    return OK;
}

static status describe(artefact_writer *w, const char *name, variable_type type, const char *across,
                       const char *long_name, const void *data)
{
    return artefact_variable(w, &(variable){.name = name,
                                            .type = type,
                                            .dims = across ? 2 : 1,
                                            .dim = {"layer", across},
                                            .long_name = long_name,
                                            .units = "1",
                                            .data = data});
}

static status describe_communities(const cluster_state *s, artefact_writer *w)
{
    status st = OK;
    TRY(describe(w, "communities", VARIABLE_I32, NULL, "clusters that are not empty",
                 s->communities));
    TRY(describe(w, "modularity", VARIABLE_F64, NULL,
                 "modularity of the communities of the co-firing graph", s->modularity));
    TRY(artefact_dim(w, "null", s->nulls));
    TRY(describe(w, "modularity_null", VARIABLE_F64, "null",
                 "modularity of the communities of rewired graphs of the same degrees",
                 s->modularity_null));
    TRY(describe(w, "modularity_p", VARIABLE_F64, NULL,
                 "probability that a rewired graph has as large a modularity", s->modularity_p));
done:
    return st;
}

static status cluster_finish(void *state, const round_state *finished, const partial *sum,
                             artefact_writer *w)
{
    cluster_state *s = state;
    (void)finished;
    status st = OK;
    const cluster_method *how = cluster_method_of(s->task);
    size_t layers = (size_t)s->shape.layers;
    s->cluster = checked_calloc(layers * (size_t)s->shape.neurons, sizeof *s->cluster);
    s->inertia = checked_calloc(layers, sizeof *s->inertia);
    s->inertia_start = checked_calloc(layers * (size_t)s->starts, sizeof *s->inertia_start);
    if (!s->cluster || !s->inertia || !s->inertia_start)
        TRY(status_no_memory("clusters"));
    TRY(choose_starts(s, sum));
    TRY(count_sizes(s));
    TRY(artefact_dim(w, "layer", s->shape.layers));
    TRY(artefact_dim(w, "unit", s->shape.neurons));
    TRY(artefact_dim(w, "cluster", s->shape.clusters));
    TRY(describe(w, "cluster", VARIABLE_I32, "unit", "cluster of each MLP neuron", s->cluster));
    TRY(describe(w, "inertia", VARIABLE_F64, NULL,
                 how->firing ? "sum of squared distances of unit firing vectors to cluster means"
                             : "sum of squared distances of W_in's unit rows to cluster means",
                 s->inertia));
    TRY(describe(w, "size", VARIABLE_I32, "cluster", "neurons of each cluster", s->size));
    if (how->starts) {
        TRY(artefact_dim(w, "start", s->starts));
        TRY(describe(w, "inertia_start", VARIABLE_F64, "start", "inertia of each k-means start",
                     s->inertia_start));
    }
    if (s->found) {
        TRY(fill_modularity(s, sum));
        TRY(describe_communities(s, w));
    }
    TRY(artefact_attribute(w, "title", "Clusters of MLP neurons"));
done:
    return st;
}

const stage_def stage_cluster = {
    .name = "cluster",
    .version = 2,
    .summary = "groups each layer's MLP neurons into clusters",
    .params = cluster_params,
    .inputs = "collect",
    .check = cluster_check,
    .estimate = cluster_estimate,
    .open = cluster_open,
    .next = cluster_next,
    .plan = cluster_plan,
    .cost = cluster_cost,
    .unit = cluster_unit,
    .finish = cluster_finish,
    .close = cluster_close,
};
