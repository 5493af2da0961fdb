// SPDX-License-Identifier: Apache-2.0
// What an artefact of the stage `cluster` says of each neuron.
#ifndef STAGES_INTERSECT_CLUSTER_LABELS_H
#define STAGES_INTERSECT_CLUSTER_LABELS_H

#include "pipeline/stage.h"

typedef struct cluster_labels {
    int64_t layers, width; // neurons of a layer
    int64_t clusters;      // of the layer that has most
    int32_t *label;        // [layers][width] in [0, clusters). Owned
} cluster_labels;

// Is an input of a task one of the stage `cluster`?
bool cluster_labels_are(const task *t, size_t input);

// Reads them. ERR_INPUT where a label is no cluster. Local; free(out->label), also on failure.
status cluster_labels_read(const artefact *from, cluster_labels *out);

#endif
