// SPDX-License-Identifier: Apache-2.0
// A model's weights as float32 arrays, once per node: used where they are mapped, converted, or
// drawn at random. Which tensors there are, their shapes and their initialisation are tables of the
// architecture.
#ifndef MODEL_WEIGHTS_H
#define MODEL_WEIGHTS_H

#include <stdint.h>

#include "model/checkpoint.h"
#include "model/config.h"
#include "pipeline/base/share.h"

// Lengths that configurations give.
typedef enum dim {
    DIM_END, // ends a shape
    DIM_ONE,
    DIM_HIDDEN,
    DIM_HEAD, // head_dim
    DIM_ATTN, // heads × head_dim
    DIM_KV,   // kv_heads × head_dim
    DIM_MLP,
    DIM_OUTPUTS,
    DIM_POSITIONS, // rows_per_image, or context
    DIM_CHANNELS,
    DIM_PATCH_HEIGHT,
    DIM_PATCH_WIDTH,
} dim;

typedef enum init {
    INIT_ZEROS,
    INIT_ONES,
    INIT_NORMAL,       // mean 0, standard deviation initializer_range
    INIT_TRUNC_NORMAL, // the same, drawn again beyond ±2 (absolute, as torch.nn.init.trunc_normal_
                       // has it by default)
} init;

enum { TENSOR_DEF_DIMS = 5 };

typedef struct tensor_def {
    const char *name; // in a layer's table, %d is the layer
    dim shape[TENSOR_DEF_DIMS];
    init init;
    unsigned needs; // FEATURE_ flags that must all be there; otherwise the model has no such tensor
} tensor_def;

typedef struct tensor_table {
    const tensor_def *globals, *layer;
    int n_globals, n_layer;
    int n_embedding; // of the globals, the first so many serve the embedding, the others the head
                     // (and, where the head is the embedding, those too)
} tensor_table;

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

// Parameters that a configuration has by the tables, of what it holds.
int64_t weights_parameters(const config *c, const tensor_table *table);

// Writes elements [first, first + n) of a tensor drawn at random: the same for any slicing. `name`
// is the tensor's.
void weights_draw(const tensor_def *def, const char *name, double range, uint64_t seed,
                  size_t first, size_t n, float *out);

#endif
