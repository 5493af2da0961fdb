// SPDX-License-Identifier: Apache-2.0
// Another sample's activations, for `value: resample` (ablation.h).
#ifndef STAGES_PRUNE_DONOR_H
#define STAGES_PRUNE_DONOR_H

#include "stages/common/tile_source.h"
#include "stages/prune/ablation.h"

// The neurons that a mask prunes, site by site.
typedef struct ablated_neurons {
    int32_t *neuron[SITES]; // owned; ascending in each layer
    int64_t *first[SITES];  // owned [layers + 1]: where each layer's begin
} ablated_neurons;

status ablated_neurons_make(const ablation *a, uint8_t *const pruned[SITES], ablated_neurons *out);
void ablated_neurons_free(ablated_neurons *n); // safe on {0}

// A tile's activations in the unpruned model, of neurons that are pruned.
typedef struct donor donor;

// Runs tile `index`'s donor: another tile of the source, drawn by seed and index, or itself where
// it is the only one. Borrows the neurons. Owned by the caller. Local, or the team's; fails as
// model_forward and tile_source_load.
typedef struct donor_request {
    model *model;
    pool *pool;
    const tile_source *source;
    const ablated_neurons *neurons;
    int lane;
    bool (*stopping)(void *context);
    void *context;
} donor_request;
status donor_new(const ablation *a, const donor_request *q, int64_t index, donor **out);
void donor_free(donor *d); // NULL is a no-op
// Sets the values of a block to the donor's: sample by sample, token by token; a sample longer than
// its donor repeats its last.
void donor_set(const donor *d, const tile *t, const site_block *block, const int32_t *neuron, int n,
               float *x);

#endif
