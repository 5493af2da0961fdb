// SPDX-License-Identifier: Apache-2.0
// A method is a row of a table: what it compares, and how it labels one layer from one start. A
// layer's rows are read once for all its starts, since a rank's units mostly are starts of one
// layer. Random numbers are a stream by layer and start, so that any rank can label any of them.
#include "stages/cluster/cluster_method.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/model.h"
#include "pipeline/base/checked.h"
#include "pipeline/store/artefact.h"
#include "stages/cluster/balanced_assignment.h"
#include "stages/cluster/balanced_kmeans.h"
#include "stages/cluster/cofiring_graph.h"
#include "stages/cluster/neuron_rows.h"
#include "stages/common/resources.h"

struct cluster_layer {
    const task *task; // borrowed
    const cluster_method *how;
    const artefact *activations; // borrowed; NULL without firing vectors
    cluster_shape shape;
    uint64_t seed;
    int64_t firing_bytes;    // of a neuron
    int loaded;              // the layer in `rows`; -1: none
    float *rows;             // [neurons, width], prepared for distances
    uint8_t *bits;           // [neurons, firing_bytes]; NULL without firing vectors
    int64_t *order;          // [neurons] a permutation
    balanced_kmeans *kmeans; // NULL without starts
};

static bool is_stopping(const void *t)
{
    return task_stopping(t);
}

static rng stream_of(const cluster_layer *s, int layer, int start)
{
    char name[64];
    snprintf(name, sizeof name, "cluster/layer=%d/start=%d", layer, start);
    return rng_new(s->seed, name);
}

static status label_kmeans(cluster_layer *s, int layer, int start, int32_t *label)
{
    const params *p = task_params(s->task);
    balanced_kmeans_options options = {
        .random = stream_of(s, layer, start),
        .iterations = (int)params_int(p, "iterations"),
        .tolerance = params_real(p, "tolerance"),
        .stopping = is_stopping,
        .context = s->task,
    };
    return balanced_kmeans_run(s->kmeans, s->rows, &options, label, NULL);
}

static status label_graph(cluster_layer *s, int layer, int start, int32_t *label)
{
    rng random = stream_of(s, layer, start);
    cofiring_graph *graph = NULL;
    status st = OK;
    TRY(cofiring_graph_new(s->bits, s->shape.neurons, s->firing_bytes, task_pool(s->task), &graph));
    TRY(cofiring_graph_partition(graph, s->shape.clusters, rng_u64(&random, 0), label));
done:
    cofiring_graph_free(graph);
    return st;
}

static status label_random(cluster_layer *s, int layer, int start, int32_t *label)
{
    rng random = stream_of(s, layer, start);
    rng_permutation(&random, s->shape.neurons, s->order);
    int64_t at = 0;
    for (int j = 0; j < s->shape.clusters; j++)
        for (int64_t m = balanced_assignment_size(s->shape.neurons, s->shape.clusters, j); m > 0;
             m--)
            label[s->order[at++]] = j;
    return OK;
}

static const cluster_method methods[] = {
    {"weights", true, false, label_kmeans},
    {"coactivation", true, true, label_kmeans},
    {"graph", false, true, label_graph},
    {"random", false, false, label_random},
};

const cluster_method *cluster_method_of(const task *t)
{
    const char *name = params_text(task_params(t), "method");
    size_t i = 0;
    while (strcmp(methods[i].name, name) != 0)
        i++;
    return &methods[i];
}

status cluster_check_size(const task *t, int64_t neurons)
{
    int64_t clusters = params_int(task_params(t), "clusters");
    if (clusters > neurons)
        return params_fail(task_params(t), "clusters",
                           "%" PRId64 " clusters of %" PRId64 " neurons; ask for at most %" PRId64,
                           clusters, neurons, neurons);
    return OK;
}

// Shapes, from the model or from the artefact of the activations.
static status find_shapes(cluster_layer *s)
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

status cluster_layer_new(const task *t, cluster_layer **out)
{
    status st = OK;
    size_t cells = 0;
    cluster_layer *s = checked_calloc(1, sizeof *s);
    if (!s)
        TRY(status_no_memory("clusters"));
    s->task = t;
    s->how = cluster_method_of(t);
    s->seed = (uint64_t)params_int(task_params(t), "seed");
    s->shape.clusters = (int)params_int(task_params(t), "clusters");
    s->loaded = -1;
    TRY(find_shapes(s));
    TRY(cluster_check_size(t, s->shape.neurons));
    size_t neurons = (size_t)s->shape.neurons;
    if (!checked_mul(neurons, (size_t)s->shape.width, &cells))
        TRY(status_no_memory("rows to cluster"));
    s->rows = checked_aligned(cells, sizeof *s->rows);
    s->order = checked_calloc(neurons, sizeof *s->order);
    s->bits = s->how->firing ? checked_calloc(neurons, (size_t)s->firing_bytes) : NULL;
    if (!s->rows || !s->order || (s->how->firing && !s->bits))
        TRY(status_no_memory("rows to cluster"));
    if (s->how->starts)
        TRY(balanced_kmeans_new(s->shape.neurons, s->shape.width, s->shape.clusters, task_pool(t),
                                &s->kmeans));
    *out = s;
    s = NULL;
done:
    cluster_layer_free(s);
    return st;
}

void cluster_layer_free(cluster_layer *s)
{
    if (!s)
        return;
    balanced_kmeans_free(s->kmeans);
    free(s->rows);
    free(s->bits);
    free(s->order);
    free(s);
}

const cluster_shape *cluster_layer_shape(const cluster_layer *s)
{
    return &s->shape;
}

// Reads a layer's rows, unless they are there already: a rank's units mostly are starts of one
// layer.
static status load_layer(cluster_layer *s, int layer)
{
    status st = OK;
    if (s->loaded == layer)
        return OK;
    s->loaded = -1;
    if (s->how->firing) {
        int64_t bytes = s->firing_bytes, subsets = artefact_length(s->activations, "subset");
        TRY(artefact_read_rows(s->activations, "mlp_firing", VARIABLE_U8,
                               layer * s->shape.neurons * subsets, s->shape.neurons * subsets,
                               s->bits));
        for (int64_t i = 0; i < s->shape.neurons; i++)
            for (int64_t b = 0; b < s->shape.width; b++)
                s->rows[i * s->shape.width + b] = s->bits[i * bytes + b / 8] >> b % 8 & 1;
    } else {
        TRY(model_w_in(stage_model(s->task), layer, s->rows));
    }
    TRY(neuron_rows_prepare(s->rows, s->shape.neurons, s->shape.width));
    s->loaded = layer;
done:
    return st;
}

status cluster_layer_label(cluster_layer *s, int layer, int start, int32_t *label, double *inertia)
{
    status st = OK;
    const cluster_shape *shape = &s->shape;
    TRY(load_layer(s, layer));
    TRY(s->how->label(s, layer, start, label));
    TRY(neuron_rows_inertia(s->rows, shape->neurons, shape->width, shape->clusters, label,
                            inertia));
done:
    return st;
}
