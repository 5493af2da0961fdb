// SPDX-License-Identifier: Apache-2.0
// What a pass needs of whatever computes it: the arithmetic of the blocks that architectures are made
// of (blocks.h), which decides itself what is computed at all.
#ifndef MODEL_FORWARD_BLOCK_SET_H
#define MODEL_FORWARD_BLOCK_SET_H

#include "model/forward/arch.h"
#include "pipeline/base/pool.h"

// What products read next = LayerNorm(p->hidden), or RMSNorm where there is no bias, or p->hidden as
// it is where there is no weight.
typedef struct block_norm {
    const float *weight, *bias;
    bool replaced; // p->hidden becomes it too
    int layer;     // whose site `after` p->hidden comes from (-1: the embeddings)
    site after;
} block_norm;

typedef struct attention_weights {
    linear q, k, v, o;
    const float *q_norm, *k_norm; // [head_dim] RMSNorm of each head, or [heads × head_dim] of all
                                  // (FEATURE_WHOLE_QK_NORM); NULL: none
    bool causal;                  // a row sees the rows of its sample up to itself
    output_step then;
    bool held; // the output is not added before block_add_held; needs info.apart
} attention_weights;

// Rows of a table [.., width] by the tokens' ids, each value times `scale` (0: as it is), mapped to
// hidden states where `into` is not NULL.
typedef struct token_embedding {
    const float *table;
    int width;
    double scale;
    const linear *into;
} token_embedding;

// A table of what is added to each image's rows, or stands there instead: row by row, by what `make`
// writes to out [H].
typedef struct place_table {
    void (*make)(const void *context, int row, float *out);
    const void *context;
    int set; // the first so many rows are replaced
} place_table;

// Each as its block in blocks.h, without that one's decisions.
typedef struct block_set {
    // Runs all tiles of a pass, as model_forward; NULL: a thread runs a tile by itself.
    status (*run)(model *m, pool *p, const forward *f);
    int64_t (*together)(const model *m, int64_t max_samples, int64_t max_rows); // with `run`
    status (*embed_tokens)(pass *p, const token_embedding *e);
    status (*add_positions)(pass *p, const float *table, const int64_t *place, int64_t before);
    status (*embed_patches)(pass *p, const linear *projection);
    status (*add_places)(pass *p, const place_table *t);
    status (*norm)(pass *p, const block_norm *n);
    status (*project)(pass *p, const linear *l, const activation *act);
    status (*narrow)(pass *p); // drops rows of what is the pass's; the caller tells it of it
    status (*attention)(pass *p, int layer, const attention_weights *a);
    status (*add_held)(pass *p);
    status (*mlp)(pass *p, int layer);
    status (*show_hidden)(pass *p); // to the caller's keep_hidden
} block_set;

#endif
