// SPDX-License-Identifier: Apache-2.0
// The blocks that architectures are made of. Each works on all rows of a pass, reads and prunes its
// site, and checks what it reads for NaN. All local; none allocates.
#ifndef MODEL_FORWARD_BLOCKS_H
#define MODEL_FORWARD_BLOCKS_H

#include "model/forward/block_set.h"

// p->hidden = scale · the rows of table [.., H] by the tile's ids (scale 0: 1).
status block_embed_tokens(pass *p, const float *table, double scale);
// p->hidden = into(the rows of table [.., width] by the tile's ids).
status block_embed_narrow(pass *p, const float *table, int width, const linear *into);
// p->hidden [r, :] += row place[r] + before of table [.., H]; row `before` where place is NULL.
status block_add_positions(pass *p, const float *table, const int64_t *place, int64_t before);

// p->hidden = the projection of each image's patches, in rows that end with its last; those before
// are of no pixels.
status block_embed_patches(pass *p, const linear *projection);
// What stands in each image's rows: added to p->hidden, or in place of it.
status block_add_places(pass *p, const place_table *t);

// What products read next = LayerNorm(p->hidden). ERR_NUMERIC when p->hidden holds
// NaN or infinity, saying that it came from site `after` of layer `layer` (layer -1: from the
// embeddings).
status block_layer_norm(pass *p, const float *weight, const float *bias, int layer, site after);

// The same in models that normalise the sums: p->hidden becomes it too.
status block_layer_norm_sum(pass *p, const float *weight, const float *bias, int layer, site after);

// The same with RMSNorm.
status block_rms_norm(pass *p, const float *weight, int layer, site after);

// The same without a norm, in models that normalise what blocks put out.
status block_pass_on(pass *p, int layer, site after);

// p->hidden += o(attention(normed)) within each sample, rotated by positions where the
// configuration has them; the site `attn` is what o reads.
status block_attention(pass *p, int layer, const attention_weights *a);

// p->hidden += what block_attention has held.
status block_add_held(pass *p);

// p->hidden += down(act(up(normed))), or of a sparse model what the experts make that the router
// chooses (model/forward/experts.h); the site `mlp` is what down reads. Its weights are the
// architecture's `mlp`.
status block_mlp(pass *p, int layer);

// Does a pass begin, or keep hidden states, behind a layer's attention where it is asked to? In
// parallel layers there is no such place, since the MLP too reads the layer's input: there it is
// the layer's input instead, and the attention is computed again.
bool block_behind_attn(const pass *p, bool asked);

// p->hidden = act(l(what the last norm made)), act NULL: none. Where l has fewer outputs than H,
// they come first.
status block_project(pass *p, const linear *l, const activation *act);

// Drops all rows of p->hidden and of the normed ones but those the head reads.
status block_narrow(pass *p);

#endif
