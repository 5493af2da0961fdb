// SPDX-License-Identifier: Apache-2.0
// Labels become indices in what follows, so each is looked at here, once.
#include "stages/intersect/cluster_labels.h"

#include <stdlib.h>
#include <string.h>

#include "pipeline/base/checked.h"

bool cluster_labels_are(const task *t, size_t input)
{
    return strcmp(task_input_stage(t, input), "cluster") == 0;
}

status cluster_labels_read(const artefact *from, cluster_labels *out)
{
    variable_type type;
    int dims;
    int64_t length[VARIABLE_MAX_DIMS] = {0}, size[VARIABLE_MAX_DIMS] = {0};
    size_t neurons = 0;
    status st = OK;
    *out = (cluster_labels){0};
    TRY(artefact_shape(from, "cluster", &type, &dims, length));
    TRY(artefact_shape(from, "size", &type, &dims, size));
    out->layers = length[0];
    out->width = length[1];
    out->clusters = size[1];
    if (!checked_mul((size_t)length[0], (size_t)length[1], &neurons) ||
        !(out->label = checked_calloc(neurons, sizeof *out->label)))
        TRY(status_no_memory("clusters"));
    TRY(artefact_read(from, "cluster", VARIABLE_I32, out->label));
    for (size_t i = 0; i < neurons; i++)
        if (out->label[i] < 0 || out->label[i] >= out->clusters)
            TRY(status_fail(ERR_INPUT, artefact_path(from),
                            "neuron %zu is in cluster %d of %lld; run its step again", i,
                            out->label[i], (long long)out->clusters));
done:
    return st;
}
