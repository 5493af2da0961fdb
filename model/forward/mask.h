// SPDX-License-Identifier: Apache-2.0
// The inside of a model_mask (model_mask.h): which neurons are pruned, and a layer's MLP without
// them.
#ifndef MODEL_FORWARD_MASK_H
#define MODEL_FORWARD_MASK_H

#include "model/forward/arch.h"
#include "model/forward/model_mask.h"

// An MLP is compacted where at least one neuron in COMPACT_SHARE is pruned; below that,
// copies of nearly everything would save nearly nothing, and pruned neurons are set to zero
// instead. So are they where the copies of more heavily pruned ones have used up
// MODEL_COMPACT_BYTES. An expert without neurons is passed over, and needs no copy.
enum { COMPACT_SHARE = 16 };
// Remaining neurons are filled up to a multiple of this, a vector of packed outputs, with neurons
// of zero weights.
enum { COMPACT_ALIGN = 16 };

// Neurons of a site in a layer, ascending. Borrowed from the mask.
typedef struct neuron_list {
    const int32_t *neuron;
    int n;
} neuron_list;

neuron_list mask_pruned(const model_mask *mask, site s, int layer); // mask NULL: none
// A layer's MLP, or an expert's (of a dense model expert 0), without its pruned neurons in *out;
// false where it is not compacted, and they must be set to zero.
bool mask_compacted(const model_mask *mask, int layer, int expert, mlp_weights *out);
// Is an expert pruned; or, with `neurons`, all its neurons?
bool mask_prunes_expert(const model_mask *mask, int layer, int expert, bool neurons);
// The neurons that a compacted layer of a dense model has left, without those that fill it up; none
// where it is not compacted.
neuron_list mask_remaining(const model_mask *mask, int layer);

#endif
