// SPDX-License-Identifier: Apache-2.0
// The blocks that architectures are made of. Each works on all rows of a pass, reads and prunes its
// site, and checks what it reads for NaN. All local; none allocates.
#ifndef MODEL_FORWARD_BLOCKS_H
#define MODEL_FORWARD_BLOCKS_H

#include "model/forward/arch.h"

// What products read next (block_normed) = LayerNorm(p->hidden). ERR_NUMERIC when p->hidden holds
// NaN or infinity, saying that it came from site `after` of layer `layer` (layer -1: from the
// embeddings).
status block_layer_norm(pass *p, const float *weight, const float *bias, int layer, site after);

// The same in models that normalise the sums: p->hidden becomes it too.
status block_layer_norm_sum(pass *p, const float *weight, const float *bias, int layer, site after);

// The same with RMSNorm.
status block_rms_norm(pass *p, const float *weight, int layer, site after);

// The same without a norm, in models that normalise what blocks put out.
status block_pass_on(pass *p, int layer, site after);

typedef struct attention_weights {
    linear q, k, v, o;
    const float *q_norm, *k_norm; // [head_dim] RMSNorm of each head, or [heads × head_dim] of all
                                  // (FEATURE_WHOLE_QK_NORM); NULL: none
    bool causal;                  // a row sees the rows of its sample up to itself
    output_step then;
    bool held; // the output is not added before block_add_held; needs info.apart
} attention_weights;

// p->hidden += o(attention(normed)) within each sample, rotated by positions where the
// configuration has them; the site `attn` is what o reads.
status block_attention(pass *p, int layer, const attention_weights *a);

// p->hidden += what block_attention has held.
void block_add_held(pass *p);

// p->hidden += down(act(up(normed))), or of a sparse model what the experts make that the router
// chooses (model/forward/experts.h); the site `mlp` is what down reads. Its weights are the
// architecture's `mlp`.
status block_mlp(pass *p, int layer);

// Does a pass begin, or keep hidden states, behind a layer's attention where it is asked to? In
// parallel layers there is no such place, since the MLP too reads the layer's input: there it is
// the layer's input instead, and the attention is computed again.
bool block_behind_attn(const pass *p, bool asked);

// The rows [p->rows, H] that the last norm made. Borrowed from the pass.
operand block_normed(const pass *p);

// Drops all rows of p->hidden and of the normed ones but those the head reads.
void block_narrow(pass *p);

#endif
