// SPDX-License-Identifier: Apache-2.0
// A tile's MLP neurons of one layer, kept by the caller from pass to pass (model_neurons of
// forward.h): made once, then each mask takes those that it leaves.
#ifndef MODEL_FORWARD_NEURON_CACHE_H
#define MODEL_FORWARD_NEURON_CACHE_H

#include "model/forward/pass.h"
#include "model/kernels/linear.h"

// Where the caller keeps the layer's, or NULL: it does not, or the mask does not compact the layer,
// or somebody reads them. Borrowed. Local, as all here.
model_neurons *neuron_cache_find(const pass *p, int layer);

// Keeps neurons [first, first + n), as the down projection reads them.
void neuron_cache_put(const pass *p, const operand *inside, int first, int n);

// Neurons [first, first + n) of those that the mask leaves, and zeros behind the last, from what is
// kept.
operand neuron_cache_gather(const pass *p, int layer, int first, int n);

#endif
