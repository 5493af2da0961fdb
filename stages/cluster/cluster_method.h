// SPDX-License-Identifier: Apache-2.0
// The methods of the stage `cluster`: what a layer's neurons are compared by, and how they are
// labelled. See cluster.c for what each one is.
#ifndef STAGES_CLUSTER_CLUSTER_METHOD_H
#define STAGES_CLUSTER_CLUSTER_METHOD_H

#include <stdbool.h>
#include <stdint.h>

#include "pipeline/stage.h"

// A task's layers and what labelling them needs. A few are in memory at a time.
typedef struct cluster_layers cluster_layers;
typedef struct layer_rows layer_rows;

typedef struct cluster_method {
    const char *name;
    bool starts;  // tries several starts, of which the best is kept
    bool firing;  // compares firing vectors, from a collect artefact; otherwise rows of W_in
    bool experts; // the clusters are the experts of a sparse model
    bool found;   // finds how many clusters a layer has; otherwise they are asked for
    // Labels those rows from a start, in a lane: scratch that no other call uses meanwhile.
    // NULL where clusters are found.
    status (*label)(cluster_layers *s, const layer_rows *rows, int start, int lane, int32_t *label);
} cluster_method;

// That of the task's parameter `method`. Static.
const cluster_method *cluster_method_of(const task *t);

// How many clusters the task makes of a layer's neurons; the most it can make where they are found.
// ERR_USAGE, at the parameter, when it asks for more than there are neurons, or for experts that
// its model has not.
status cluster_count(const task *t, int64_t neurons, int *clusters);

typedef struct cluster_shape {
    int layers, clusters;   // the most there can be, where they are found
    int64_t neurons, width; // of a layer; of a neuron's row
} cluster_shape;

// Borrows the task. Owned by the caller. Local. ERR_INPUT when the artefact of the activations is
// not as collect.c says; fails as cluster_count.
status cluster_layers_new(const task *t, cluster_layers **out);
void cluster_layers_free(cluster_layers *s);                        // NULL is a no-op
const cluster_shape *cluster_layers_shape(const cluster_layers *s); // borrowed
// Layers that are in memory at once, for estimates.
int cluster_layers_held(const task *t);

// Writes label[neurons] in [0, clusters) and the inertia of those labels: the sum of squared
// distances of the rows, of unit length, to the means of their clusters. A function of the task's
// parameters, its inputs, layer and start alone. Units in different lanes may call it at once.
// Local. ERR_INTERRUPTED when the run must stop.
status cluster_layers_label(cluster_layers *s, int layer, int start, int lane, int32_t *label,
                            double *inertia);
// Where clusters are found: the same of the layer's graph, and its modularity; with null > 0 only
// the modularity, of the communities of a rewired graph (graph_modularity.h). NaN without edges.
status cluster_layers_communities(cluster_layers *s, int layer, int null, int32_t *label,
                                  double *inertia, double *modularity);
int cluster_nulls(const task *t); // rewired graphs of each layer

#endif
