// SPDX-License-Identifier: Apache-2.0
// The stage `cluster`: groups each layer's MLP neurons into clusters of equal size (sizes differ by
// one where `clusters` does not divide the neurons).
//   experts: {stage: cluster, model: trained, method: weights, clusters: 16}
//   experts: {stage: cluster, from: activations, method: coactivation, clusters: 16}
// By `method`:
//   weights        balanced k-means of the rows of W_in, scaled to unit length: MoEfication's
//                  parameter clustering
//   coactivation   balanced k-means of firing vectors (0 or 1 a sampled token), scaled likewise
//   graph          METIS's cut of the co-firing graph (cofiring_graph.h)
//   random         a random permutation, cut into equal runs
//   experts        the experts of a sparse model: not found, but what its training made
// Output:
//   int cluster(layer, unit)            1  0 holds the lowest neuron, 1 the lowest outside 0, …
//   int size(layer, cluster)            1  neurons of each cluster
//   double inertia(layer)               1  sum of squared distances to the clusters' means
//   double inertia_start(layer, start)  1  that of each start, with k-means
// Inertia is of the rows of W_in scaled to unit length (weights, random, experts), or of the firing vectors
// (coactivation, graph).
//
// One round. Its units are (layer, start) for k-means, (layer) otherwise; a unit adds its labels
// and its inertia into zeros of its own, and `finish` keeps each layer's best start (of equals the
// first).
#include <inttypes.h>
#include <stdlib.h>

#include "model/model.h"
#include "pipeline/base/checked.h"
#include "pipeline/stage.h"
#include "stages/cluster/balanced_kmeans.h"
#include "stages/cluster/cluster_method.h"
#include "stages/common/resources.h"

typedef struct cluster_state {
    const task *task; // borrowed
    cluster_layers *rows;
    cluster_shape shape;
    int starts;
    int32_t *cluster;      // [layers, neurons] of the artefact, as are those below
    int32_t *size;         // [layers, clusters]
    double *inertia;       // [layers]
    double *inertia_start; // [layers, starts]
} cluster_state;

enum { FIELD_LABELS, FIELD_INERTIA, FIELDS };

static const param_def cluster_params[] = {
    {"model", PARAM_RESOURCE, .section = "models", .help = "whose neurons; inherited with `from`"},
    {"method", PARAM_TEXT, .value = "weights",
     .choices = "weights|coactivation|graph|random|experts",
     .help = "what neurons of a cluster share; coactivation and graph are `from` a collect step "
             "with `firing:`; experts: a sparse model's own"},
    {"clusters", PARAM_INT, .low = 1, .high = 1 << 20,
     .help =
         "clusters of each layer, of equal size; of method experts there are as many as experts"},
    {"starts", PARAM_INT, .value = "10", .low = 1, .high = 10000,
     .help = "k-means++ starts, of which the best is kept"},
    {"iterations", PARAM_INT, .value = "300", .low = 1, .high = 1000000,
     .help = "of a k-means start, at most"},
    {"tolerance", PARAM_REAL, .value = "1e-4", .low = 0, .high = 1,
     .help = "a k-means start ends when its centres' squared shift is at most this share of the "
             "mean variance of a column"},
    {"seed", PARAM_INT, .value = "0", .low = 0, .high = 9e15,
     .help = "of starts, permutation and partition"},
    {0},
};

static status cluster_check(const task *t)
{
    const params *p = task_params(t);
    const cluster_method *how = cluster_method_of(t);
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
    if (!how->experts && !params_has(p, "clusters"))
        return params_fail(p, "method", "method %s needs a number of clusters; add `clusters: 16`",
                           how->name);
    if (!how->firing && task_inputs(t) > 1)
        return params_fail(p, "from", "method %s takes at most one input", how->name);
    if (!task_resource_name(t, "model", 0))
        return params_fail(p, "method", "method %s needs a model; add `model:`", how->name);
    return OK;
}

// Operations of a unit: k-means mostly ends within 30 iterations, and its seeding costs as much
// as 10.
static double unit_operations(const cluster_method *how, double neurons, double width,
                              double clusters)
{
    double distances = 2 * neurons * width * clusters, pairs = neurons * neurons * width / 64;
    return how->starts ? 40 * distances : how->firing ? pairs : neurons * width;
}

static status cluster_estimate(const task *t, estimate *out)
{
    const model_info *info = model_get_info(stage_model(t));
    const params *p = task_params(t);
    const cluster_method *how = cluster_method_of(t);
    double neurons = info->d_mlp, width = info->hidden_size;
    int clusters = 0;
    status st = OK;
    TRY(cluster_count(t, info->d_mlp, &clusters));
    if (how->firing) // of some 16 subsets: how many there are is known once they are collected
        width = 16.0 * (double)params_int(task_input_params(t, 0), "firing");
    out->units = info->layers * (how->starts ? params_int(p, "starts") : 1);
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
        out->memory_bytes += neurons * neurons * 12; // counts, and both arrays of a dense graph
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
    s->starts = cluster_method_of(t)->starts ? (int)params_int(task_params(t), "starts") : 1;
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
    out->shape = (partial_shape){.fields = FIELDS};
    out->shape.field[FIELD_LABELS] =
        (partial_field){"cluster labels", PARTIAL_COUNT, out->units * s->shape.neurons};
    out->shape.field[FIELD_INERTIA] = (partial_field){"inertia", PARTIAL_SUM, out->units};
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

static status cluster_unit(void *state, const round_state *round, int64_t unit, int lane,
                           partial *sum)
{
    const cluster_state *s = state;
    (void)round;
    status st = OK;
    const size_t neurons = (size_t)s->shape.neurons;
    int32_t *label = checked_calloc(neurons, sizeof *label);
    int64_t *counts = checked_calloc(neurons, sizeof *counts); // the same, to be added
    int layer = (int)(unit / s->starts), start = (int)(unit % s->starts);
    double inertia;
    fixed exact;
    if (!label || !counts)
        TRY(status_no_memory("clusters"));
    TRY(cluster_layers_label(s->rows, layer, start, lane, label, &inertia));
    if (!fixed_from(inertia, &exact))
        TRY(status_fail(ERR_NUMERIC, task_label(s->task), "the inertia of layer %d is %g", layer,
                        inertia));
    for (int64_t i = 0; i < s->shape.neurons; i++)
        counts[i] = label[i];
    TRY(partial_add_counts(sum, FIELD_LABELS, unit * s->shape.neurons, s->shape.neurons, counts));
    TRY(partial_add_sums(sum, FIELD_INERTIA, unit, 1, &exact));
done:
    free(label);
    free(counts);
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
    for (int layer = 0; layer < s->shape.layers; layer++) {
        int64_t first = (int64_t)layer * s->starts, best = first;
        for (int64_t unit = first; unit < first + s->starts; unit++) {
            s->inertia_start[unit] = fixed_to(inertia[unit]);
            best = inertia[unit] < inertia[best] ? unit : best;
        }
        int32_t *cluster = s->cluster + layer * s->shape.neurons;
        for (int64_t i = 0; i < s->shape.neurons; i++)
            cluster[i] = (int32_t)labels[best * s->shape.neurons + i];
        TRY(rename_clusters(s, cluster));
        for (int64_t i = 0; i < s->shape.neurons; i++)
            s->size[(int64_t)layer * s->shape.clusters + cluster[i]]++;
        s->inertia[layer] = s->inertia_start[best];
    }
done:
    return st;
}

static status cluster_finish(void *state, const round_state *finished, const partial *sum,
                             artefact_writer *w)
{
    cluster_state *s = state;
    (void)finished;
    status st = OK;
    size_t layers = (size_t)s->shape.layers;
    s->cluster = checked_calloc(layers * (size_t)s->shape.neurons, sizeof *s->cluster);
    s->size = checked_calloc(layers * (size_t)s->shape.clusters, sizeof *s->size);
    s->inertia = checked_calloc(layers, sizeof *s->inertia);
    s->inertia_start = checked_calloc(layers * (size_t)s->starts, sizeof *s->inertia_start);
    if (!s->cluster || !s->size || !s->inertia || !s->inertia_start)
        TRY(status_no_memory("clusters"));
    TRY(choose_starts(s, sum));
    const variable variables[] = {
        {.name = "cluster",
         .type = VARIABLE_I32,
         .dims = 2,
         .dim = {"layer", "unit"},
         .long_name = "cluster of each MLP neuron",
         .units = "1",
         .data = s->cluster},
        {.name = "inertia",
         .type = VARIABLE_F64,
         .dims = 1,
         .dim = {"layer"},
         .long_name = cluster_method_of(s->task)->firing
                          ? "sum of squared distances of unit firing vectors to cluster means"
                          : "sum of squared distances of W_in's unit rows to cluster means",
         .units = "1",
         .data = s->inertia},
        {.name = "size",
         .type = VARIABLE_I32,
         .dims = 2,
         .dim = {"layer", "cluster"},
         .long_name = "neurons of each cluster",
         .units = "1",
         .data = s->size},
        {.name = "inertia_start",
         .type = VARIABLE_F64,
         .dims = 2,
         .dim = {"layer", "start"},
         .long_name = "inertia of each k-means start",
         .units = "1",
         .data = s->inertia_start},
    };
    TRY(artefact_dim(w, "layer", s->shape.layers));
    TRY(artefact_dim(w, "unit", s->shape.neurons));
    TRY(artefact_dim(w, "cluster", s->shape.clusters));
    if (cluster_method_of(s->task)->starts)
        TRY(artefact_dim(w, "start", s->starts));
    for (int v = 0; v < (cluster_method_of(s->task)->starts ? 4 : 3); v++)
        TRY(artefact_variable(w, &variables[v]));
    TRY(artefact_attribute(w, "title", "Clusters of MLP neurons"));
done:
    return st;
}

const stage_def stage_cluster = {
    .name = "cluster",
    .version = 2,
    .summary = "groups each layer's MLP neurons into clusters of equal size",
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
