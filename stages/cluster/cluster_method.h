// SPDX-License-Identifier: Apache-2.0
// The methods of the stage `cluster`: what a layer's neurons are compared by, and how they are
// labelled. See cluster.c for what each one is.
#ifndef STAGES_CLUSTER_CLUSTER_METHOD_H
#define STAGES_CLUSTER_CLUSTER_METHOD_H

#include <stdbool.h>
#include <stdint.h>

#include "pipeline/stage.h"

// A layer's rows and what labelling them needs. One layer at a time is in memory.
typedef struct cluster_layer cluster_layer;

typedef struct cluster_method {
    const char *name;
    bool starts; // tries several starts, of which the best is kept
    bool firing; // compares firing vectors, from a collect artefact; otherwise rows of W_in
    status (*label)(cluster_layer *s, int layer, int start, int32_t *label);
} cluster_method;

// That of the task's parameter `method`. Static.
const cluster_method *cluster_method_of(const task *t);

// ERR_USAGE, at the parameter, when the task asks for more clusters than a layer has neurons.
status cluster_check_size(const task *t, int64_t neurons);

typedef struct cluster_shape {
    int layers, clusters;
    int64_t neurons, width; // of a layer; of a neuron's row
} cluster_shape;

// Memory for a task's layers; borrows the task. Owned by the caller. Local. ERR_INPUT when the
// artefact of the activations is not as collect.c says; fails as cluster_check_size.
status cluster_layer_new(const task *t, cluster_layer **out);
void cluster_layer_free(cluster_layer *s);                        // NULL is a no-op
const cluster_shape *cluster_layer_shape(const cluster_layer *s); // borrowed

// Writes label[neurons] in [0, clusters) and the inertia of those labels: the sum of squared
// distances of the rows, of unit length, to the means of their clusters. A function of the task's
// parameters, its inputs, layer and start alone. Reads the layer's rows, unless they are those of
// the call before. Local. ERR_INTERRUPTED when the run must stop.
status cluster_layer_label(cluster_layer *s, int layer, int start, int32_t *label, double *inertia);

#endif
