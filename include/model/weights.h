// SPDX-License-Identifier: Apache-2.0
// A model's weights as float32 arrays, once per node: used where they are mapped, converted, or
// drawn at random. Which tensors there are is a table of the architecture (model/tensor_table.h).
#ifndef MODEL_WEIGHTS_H
#define MODEL_WEIGHTS_H

#include <stdint.h>

#include "model/checkpoint.h"
#include "model/config.h"
#include "model/tensor_table.h"
#include "pipeline/base/share.h"

typedef struct weights weights;

// Reads weights from `source` (taken; closed at the latest by weights_close), or draws them where
// `source` is NULL. Collective on the share's node: ranks, and `threads` threads of each, split the
// work. ERR_INPUT: a tensor is missing, of another shape or of a type that is no weight.
// ERR_NUMERIC: NaN or infinity, with tensor and index.
status weights_open(const config *c, const tensor_table *table, checkpoint *source, uint64_t seed,
                    int threads, share *share, weights **out);
void weights_close(weights *w);

// The float32 values of a tensor, row-major; NULL when the model has none or it is not held (the
// configuration's `held`). Borrowed.
const float *weights_global(const weights *w, int i);
const float *weights_layer(const weights *w, int layer, int i);

// ERR_INPUT when a mapped file is no longer what it was.
status weights_unchanged(const weights *w);

// Writes elements [first, first + n) of a tensor drawn at random: the same for any slicing. `name`
// is the tensor's, `range` its standard deviation.
void weights_draw(const tensor_def *def, const char *name, double range, uint64_t seed,
                  size_t first, size_t n, float *out);

#endif
