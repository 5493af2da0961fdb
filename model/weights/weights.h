// SPDX-License-Identifier: Apache-2.0
// A model's weights, once per node: as float32 arrays (used where they are mapped, converted, or
// drawn at random), and what only products read in the packing they compute in. Which tensors there
// are is a table of the architecture (model/weights/tensor_table.h).
#ifndef MODEL_WEIGHTS_WEIGHTS_H
#define MODEL_WEIGHTS_WEIGHTS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/config/config.h"
#include "model/files/weight_source.h"
#include "model/kernels/linear.h"
#include "model/weights/tensor_table.h"
#include "model/weights/weight_values.h"
#include "pipeline/base/share.h"

typedef struct weights weights;

// `form` is the packing of what products read. Reads weights from `source` (taken; closed at the
// latest by weights_close), or draws them where `source` is NULL. Collective on the share's node:
// ranks, and `threads` threads of each, split the work. ERR_INPUT: a tensor is missing, of another
// shape or of a type that is no weight. ERR_NUMERIC: NaN or infinity, with tensor and index.
// *out is owned by the caller; it borrows the share, and the configuration only during the call.
status weights_open(const config *c, const tensor_table *table, weight_source *source,
                    uint64_t seed, int threads, packing form, share *node, weights **out);
void weights_close(weights *w);

// The float32 values of a tensor, row-major; NULL when the model has none, it is not held (the
// configuration's `held`), or only products read it. Borrowed.
const float *weights_global(const weights *w, int i);
const float *weights_layer(const weights *w, int layer, int i);

// The map that a tensor [out, ...] is, with the bias in slot `bias` (-1: none); out = 0 when the
// model has none. Layer -1: global. Borrowed.
linear weights_linear(const weights *w, int layer, int i, int bias);
// The same of a layer's tensor that each expert has, without bias.
linear weights_expert(const weights *w, int layer, int i, int expert);

// Weights that are read or drawn only to be shown, piece by piece, to whoever holds them: a device.
// Here tensors have addresses by which they are told apart, and values only where slots_kept_here.
// Takes the source, which weights_show closes. Each rank does so for itself. Local. ERR_INPUT as above.
status weights_open_shown(const config *c, const tensor_table *table, weight_source *source,
                          uint64_t seed, weights **out);
// Values of the largest piece.
size_t weights_largest_piece(const weights *w);
// Tells of each tensor that is held, without its values. Stops at the first failure.
status weights_each(const weights *w, status (*see)(void *context, const weight_values *v),
                    void *context);
// Shows all values, once (slots_show). `c` is as when they were opened.
status weights_show(weights *w, const config *c, int threads, const atomic_bool *stopping,
                    weights_see *see, void *context);

// ERR_INPUT when a mapped file is no longer what it was.
status weights_unchanged(const weights *w);

#endif
