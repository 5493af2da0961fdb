// SPDX-License-Identifier: Apache-2.0
// A method is a row of a table: what it compares, and how it labels one layer from one start. A
// layer's rows are read once for all its starts, which share them: units that run side by side
// mostly are starts of a few layers. Random numbers are a stream by layer and start, so that any
// rank can label any of them.
#include "stages/cluster/cluster_method.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/model.h"
#include "pipeline/base/checked.h"
#include "pipeline/store/artefact.h"
#include "stages/cluster/balanced_assignment.h"
#include "stages/cluster/balanced_kmeans.h"
#include "stages/cluster/cofiring_graph.h"
#include "stages/cluster/graph_modularity.h"
#include "stages/cluster/leiden.h"
#include "stages/cluster/neuron_rows.h"
#include "stages/common/resources.h"
#include "stages/common/shelf.h"

// Layers whose rows are held at once, where there are threads for them: those of a layer may take a
// gigabyte, and lanes that wait for one help the others meanwhile.
enum { LAYERS_HELD = 4 };

struct layer_rows {
    int layer;
    float *values;         // [neurons, width], prepared for distances
    uint8_t *bits;         // [neurons, firing_bytes]; NULL without firing vectors
    cofiring_graph *graph; // where clusters are found; else NULL
};

struct cluster_layers {
    const task *task; // borrowed
    const cluster_method *how;
    const artefact *activations; // borrowed; NULL without firing vectors
    cluster_shape shape;
    uint64_t seed;
    int64_t firing_bytes; // of a neuron
    shelf *rows;          // layer_rows by layer
    int lanes;
    balanced_kmeans **kmeans; // [lanes], made by the first unit in each
    pthread_mutex_t graph;    // one is made at a time: its counts may take a gigabyte
};

static bool is_stopping(const void *t)
{
    return task_stopping(t);
}

static rng stream_of(const cluster_layers *s, int layer, int start)
{
    char name[64];
    snprintf(name, sizeof name, "cluster/layer=%d/start=%d", layer, start);
    return rng_new(s->seed, name);
}

static status label_kmeans(cluster_layers *s, const layer_rows *rows, int start, int lane,
                           int32_t *label)
{
    const params *p = task_params(s->task);
    const cluster_shape *shape = &s->shape;
    balanced_kmeans_options options = {
        .random = stream_of(s, rows->layer, start),
        .iterations = (int)params_int(p, "iterations"),
        .tolerance = params_real(p, "tolerance"),
        .stopping = is_stopping,
        .context = s->task,
    };
    status st = OK;
    if (!s->kmeans[lane])
        st = balanced_kmeans_new(shape->neurons, shape->width, shape->clusters, task_pool(s->task),
                                 &s->kmeans[lane]);
    return st == OK ? balanced_kmeans_run(s->kmeans[lane], rows->values, &options, label, NULL)
                    : st;
}

static void lock_graph(cluster_layers *s)
{
    while (pthread_mutex_trylock(&s->graph) != 0)
        pool_rest(task_pool(s->task), 1e-3);
}

static status label_graph(cluster_layers *s, const layer_rows *rows, int start, int lane,
                          int32_t *label)
{
    (void)lane;
    rng random = stream_of(s, rows->layer, start);
    cofiring_graph *graph = NULL;
    status st = OK;
    lock_graph(s);
    TRY(cofiring_graph_new(rows->bits, s->shape.neurons, s->firing_bytes, task_pool(s->task),
                           &graph));
    TRY(cofiring_graph_partition(graph, s->shape.clusters, rng_u64(&random, 0), label));
done:
    cofiring_graph_free(graph);
    pthread_mutex_unlock(&s->graph);
    return st;
}

static status label_random(cluster_layers *s, const layer_rows *rows, int start, int lane,
                           int32_t *label)
{
    (void)lane;
    rng random = stream_of(s, rows->layer, start);
    int64_t at = 0, *order = checked_calloc((size_t)s->shape.neurons, sizeof *order);
    if (!order)
        return status_no_memory("an order of neurons");
    rng_permutation(&random, s->shape.neurons, order);
    for (int j = 0; j < s->shape.clusters; j++)
        for (int64_t m = balanced_assignment_size(s->shape.neurons, s->shape.clusters, j); m > 0;
             m--)
            label[order[at++]] = j;
    free(order);
    return OK;
}

// Experts of a layer are its neurons in runs of one length.
static status label_experts(cluster_layers *s, const layer_rows *rows, int start, int lane,
                            int32_t *label)
{
    (void)rows, (void)start, (void)lane;
    const int64_t width = s->shape.neurons / s->shape.clusters;
    for (int64_t i = 0; i < s->shape.neurons; i++)
        label[i] = (int32_t)(i / width);
    return OK;
}

static const cluster_method methods[] = {
    {"weights", .starts = true, .label = label_kmeans},
    {"coactivation", .starts = true, .firing = true, .label = label_kmeans},
    {"graph", .firing = true, .label = label_graph},
    {"communities", .firing = true, .found = true},
    {"random", .label = label_random},
    {"experts", .experts = true, .label = label_experts},
};

const cluster_method *cluster_method_of(const task *t)
{
    const char *name = params_text(task_params(t), "method");
    size_t i = 0;
    while (strcmp(methods[i].name, name) != 0)
        i++;
    return &methods[i];
}

static status count_experts(const task *t, int *clusters)
{
    const params *p = task_params(t);
    const int experts = model_get_info(stage_model(t))->experts;
    if (experts == 0)
        return params_fail(p, "method", "model %s is dense and has no experts; use another method",
                           task_resource_name(t, "model", 0));
    if (params_has(p, "clusters") && params_int(p, "clusters") != experts)
        return params_fail(p, "clusters",
                           "%" PRId64 " clusters, but a layer of the model has %d experts; leave "
                           "it out",
                           params_int(p, "clusters"), experts);
    *clusters = experts;
    return OK;
}

status cluster_count(const task *t, int64_t neurons, int *clusters)
{
    if (cluster_method_of(t)->experts)
        return count_experts(t, clusters);
    *clusters = (int)neurons;
    if (cluster_method_of(t)->found)
        return OK;
    *clusters = (int)params_int(task_params(t), "clusters");
    if (*clusters > neurons)
        return params_fail(task_params(t), "clusters",
                           "%d clusters of %" PRId64 " neurons; ask for at most %" PRId64,
                           *clusters, neurons, neurons);
    return OK;
}

// Shapes, from the model or from the artefact of the activations.
static status find_shapes(cluster_layers *s)
{
    if (!s->how->firing) {
        const model_info *info = model_get_info(stage_model(s->task));
        s->shape.layers = info->layers;
        s->shape.neurons = info->d_mlp;
        s->shape.width = info->hidden_size;
        return OK;
    }
    s->activations = task_input(s->task, 0);
    variable_type type;
    int dims;
    int64_t length[VARIABLE_MAX_DIMS];
    status st = artefact_shape(s->activations, "mlp_firing", &type, &dims, length);
    if (st != OK)
        return st;
    size_t bytes, bits;
    if (dims != 4 || length[0] < 1 || length[0] > INT32_MAX || length[1] < 1 ||
        length[1] > INT32_MAX || !checked_mul((size_t)length[2], (size_t)length[3], &bytes) ||
        !checked_mul(bytes, 8, &bits) || bits < 1 || bits > INT32_MAX)
        return status_fail(ERR_INPUT, artefact_path(s->activations),
                           "mlp_firing is not (layer, unit, subset, byte); run its step again");
    s->shape.layers = (int)length[0];
    s->shape.neurons = length[1];
    s->firing_bytes = (int64_t)bytes;
    s->shape.width = (int64_t)bits;
    return OK;
}

// Reads a layer's rows.
static status load_rows(const cluster_layers *s, layer_rows *rows)
{
    status st = OK;
    const cluster_shape *shape = &s->shape;
    if (s->how->firing) {
        int64_t bytes = s->firing_bytes, subsets = artefact_length(s->activations, "subset");
        TRY(artefact_read_rows(s->activations, "mlp_firing", VARIABLE_U8,
                               rows->layer * shape->neurons * subsets, shape->neurons * subsets,
                               rows->bits));
        for (int64_t i = 0; i < shape->neurons; i++)
            for (int64_t b = 0; b < shape->width; b++)
                rows->values[i * shape->width + b] = rows->bits[i * bytes + b / 8] >> b % 8 & 1;
    } else {
        TRY(model_w_in(stage_model(s->task), rows->layer, rows->values));
    }
    TRY(neuron_rows_prepare(rows->values, shape->neurons, shape->width));
done:
    return st;
}

static void drop_rows(void *item)
{
    layer_rows *rows = item;
    free(rows->values);
    free(rows->bits);
    cofiring_graph_free(rows->graph);
    free(rows);
}

static status make_rows(void *context, int64_t layer, void **item)
{
    status st = OK;
    cluster_layers *s = context;
    size_t cells = 0, neurons = (size_t)s->shape.neurons;
    layer_rows *rows = checked_calloc(1, sizeof *rows);
    if (!rows || !checked_mul(neurons, (size_t)s->shape.width, &cells)) {
        free(rows);
        return status_no_memory("rows to cluster");
    }
    rows->layer = (int)layer;
    rows->values = checked_aligned(cells, sizeof *rows->values);
    rows->bits = s->how->firing ? checked_calloc(neurons, (size_t)s->firing_bytes) : NULL;
    if (!rows->values || (s->how->firing && !rows->bits))
        TRY(status_no_memory("rows to cluster"));
    TRY(load_rows(s, rows));
    if (s->how->found) {
        lock_graph(s);
        st = cofiring_graph_new(rows->bits, s->shape.neurons, s->firing_bytes, task_pool(s->task),
                                &rows->graph);
        pthread_mutex_unlock(&s->graph);
        TRY(st);
    }
    *item = rows;
    rows = NULL;
done:
    if (rows)
        drop_rows(rows);
    return st;
}

int cluster_layers_held(const task *t)
{
    const int threads = pool_threads(task_pool(t));
    if (threads <= LAYERS_HELD)
        return threads;
    if (!cluster_method_of(t)->starts)
        return LAYERS_HELD;
    // Each start is a unit, and has little that others can help with; the layer that most of them
    // have ended with is held still, while its last ones run.
    const int64_t starts = params_int(task_params(t), "starts");
    const int64_t busy = (threads + starts - 1) / starts + 1;
    return busy < LAYERS_HELD ? LAYERS_HELD : (int)busy;
}

status cluster_layers_new(const task *t, cluster_layers **out)
{
    status st = OK;
    cluster_layers *s = checked_calloc(1, sizeof *s);
    if (!s)
        return status_no_memory("clusters");
    pthread_mutex_init(&s->graph, NULL);
    s->task = t;
    s->how = cluster_method_of(t);
    s->seed = (uint64_t)params_int(task_params(t), "seed");
    s->lanes = pool_threads(task_pool(t));
    TRY(find_shapes(s));
    TRY(cluster_count(t, s->shape.neurons, &s->shape.clusters));
    s->kmeans = checked_calloc((size_t)s->lanes, sizeof(balanced_kmeans *));
    if (!s->kmeans)
        TRY(status_no_memory("clusters"));
    TRY(shelf_new(cluster_layers_held(t), task_pool(t), make_rows, drop_rows, s, &s->rows));
    *out = s;
    s = NULL;
done:
    cluster_layers_free(s);
    return st;
}

void cluster_layers_free(cluster_layers *s)
{
    if (!s)
        return;
    for (int lane = 0; s->kmeans && lane < s->lanes; lane++)
        balanced_kmeans_free(s->kmeans[lane]);
    free(s->kmeans);
    shelf_free(s->rows);
    pthread_mutex_destroy(&s->graph);
    free(s);
}

const cluster_shape *cluster_layers_shape(const cluster_layers *s)
{
    return &s->shape;
}

status cluster_layers_label(cluster_layers *s, int layer, int start, int lane, int32_t *label,
                            double *inertia)
{
    status st = OK;
    const cluster_shape *shape = &s->shape;
    void *item = NULL;
    const layer_rows *rows;
    TRY(shelf_take(s->rows, layer, &item));
    rows = item;
    TRY(s->how->label(s, rows, start, lane, label));
    TRY(neuron_rows_inertia(rows->values, shape->neurons, shape->width, shape->clusters, label,
                            inertia));
done:
    if (item)
        shelf_give(s->rows, layer);
    return st;
}

static double resolution_of(const task *t)
{
    const params *p = task_params(t);
    return params_has(p, "resolution") ? params_real(p, "resolution") : 1;
}

int cluster_nulls(const task *t)
{
    const params *p = task_params(t);
    return params_has(p, "nulls") ? (int)params_int(p, "nulls") : 20;
}

status cluster_layers_communities(cluster_layers *s, int layer, int null, int32_t *label,
                                  double *inertia, double *modularity)
{
    status st = OK;
    const cluster_shape *shape = &s->shape;
    const double resolution = resolution_of(s->task);
    const rng random = stream_of(s, layer, null);
    void *item = NULL;
    const layer_rows *rows;
    const cofiring_graph *graph;
    int32_t communities = 0;
    cofiring_graph *rewired = NULL;
    TRY(shelf_take(s->rows, layer, &item));
    rows = item;
    graph = rows->graph;
    if (task_stopping(s->task))
        TRY(ERR_INTERRUPTED);
    if (null > 0) {
        TRY(graph_rewired(rows->graph, &random, &rewired));
        graph = rewired;
    }
    // Far behind the positions that rewiring draws at.
    TRY(leiden_communities(graph, resolution, rng_u64(&random, (uint64_t)1 << 40) >> 32, label,
                           &communities));
    TRY(graph_modularity(graph, resolution, label, modularity));
    if (null == 0)
        TRY(neuron_rows_inertia(rows->values, shape->neurons, shape->width, communities, label,
                                inertia));
done:
    cofiring_graph_free(rewired);
    if (item)
        shelf_give(s->rows, layer);
    return st;
}
