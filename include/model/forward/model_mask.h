// SPDX-License-Identifier: Apache-2.0
// Masks: which neurons a pass prunes.
#ifndef MODEL_FORWARD_MODEL_MASK_H
#define MODEL_FORWARD_MODEL_MASK_H

#include <stddef.h>
#include <stdint.h>

#include "model/config/model_info.h"
#include "pipeline/base/pool.h"
#include "pipeline/base/status.h"

// Which neurons are pruned, compiled for running: pruned neurons leave the products (compacted
// weights), as far as MODEL_COMPACT_BYTES of copies go, the most heavily pruned layers (of sparse
// models: experts) first; in the others they are set to zero. NULL in `forward` prunes none.
typedef struct model_mask model_mask;
enum { MODEL_COMPACT_BYTES = 256 << 20 };

// pruned[s] is [L, U] bytes, 1 = pruned, or NULL for none at that site. Reads but does not keep
// them; *out is owned by the caller, and borrows the model's weights. Copies layers side by side on
// the pool's threads (NULL: in the caller). Local.
status model_mask_new(const model *m, pool *p, const uint8_t *const pruned[SITES],
                      model_mask **out);
// The same without compaction: of passes whose `ablate` says what pruned neurons are instead of 0.
status model_mask_new_ablated(const model *m, const uint8_t *const pruned[SITES], model_mask **out);
void model_mask_free(model_mask *mask);
// How many neurons of a layer's site it prunes.
int model_mask_pruned(const model_mask *mask, site s, int layer);
// Its bytes: those of the copies and of the lists of pruned neurons.
size_t model_mask_bytes(const model_mask *mask);

#endif
