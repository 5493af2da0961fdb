// SPDX-License-Identifier: Apache-2.0
// What neurons are on average, of an artefact of `collect`: what `prune` sets them to with value: mean
// and retain_mean, and `export` hands on.
#ifndef STAGES_COMMON_ACTIVATION_MEANS_H
#define STAGES_COMMON_ACTIVATION_MEANS_H

#include <stdint.h>

#include "model/model.h"
#include "pipeline/store/artefact.h"

// The statistics of a site.
typedef struct activation_means {
    int64_t subsets, neurons, weights; // neurons of all layers; values of `weight` for a subset
    double *mean;                      // owned [subsets, neurons]
    double *weight;                    // owned [subsets, weights]: tokens, of each expert if many
    char **subset;                     // owned
} activation_means;

// Experts of a layer of the model that they are of; 0 of a dense one. Local.
int activation_means_experts(const artefact *from);
// Reads them, of a model with `experts` a layer. ERR_INPUT when the artefact lacks the site or is of
// a model of another shape. Local; activation_means_free is safe after a failure too.
status activation_means_read(const artefact *from, site which, int layers, int width, int experts,
                             activation_means *out);
void activation_means_free(activation_means *m); // leaves {0}
// The mean over all subsets but one (NULL: over all), their tokens together, of each neuron; 0 where
// no token is left. Local.
void activation_means_pool(const activation_means *m, const char *without, float *out);

#endif
