// SPDX-License-Identifier: Apache-2.0
// The inside of a model_mask (model_mask.h): which units are pruned, and a layer's MLP without them.
#ifndef MODEL_FORWARD_MASK_H
#define MODEL_FORWARD_MASK_H

#include "model/forward/arch.h"
#include "model/forward/model_mask.h"

// A layer's MLP is compacted where at least one unit in COMPACT_SHARE is pruned; below that, copies
// of nearly everything would save nearly nothing, and pruned units are set to zero instead. So are
// they where the copies of more heavily pruned layers have used up MODEL_COMPACT_BYTES.
enum { COMPACT_SHARE = 16 };
// Kept units are filled up to a multiple of this, a vector of packed outputs, with units of zero
// weights.
enum { COMPACT_ALIGN = 16 };

// Units of a site in a layer, ascending. Borrowed from the mask.
typedef struct unit_list {
    const int32_t *unit;
    int n;
} unit_list;

unit_list mask_pruned(const model_mask *mask, site s, int layer); // mask NULL: none
// The layer's MLP without its pruned units in *out; false where it is not compacted, and they must
// be set to zero.
bool mask_compacted(const model_mask *mask, int layer, mlp_weights *out);
// The units that a compacted layer has left, without those that fill it up; none where it is not
// compacted.
unit_list mask_kept(const model_mask *mask, int layer);

#endif
