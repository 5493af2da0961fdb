// SPDX-License-Identifier: Apache-2.0
// What transformers with LayerNorm and a plain MLP have in common: ViT, GPT-2, GPT-NeoX, Phi, OPT.
// Norms are of what blocks read; or, with norm_behind_sum, of the sums that they add to.
#ifndef MODEL_FAMILIES_PRENORM_H
#define MODEL_FAMILIES_PRENORM_H

#include "model/forward/arch.h"
#include "model/forward/blocks.h"

// The tensors of a layer that all have, first in its table; the architecture's own follow. Of the
// globals, the weight and the bias of the last norm come first behind those of the embedding.
enum {
    BEFORE_WEIGHT, // of the norm before attention
    BEFORE_BIAS,
    OUT_WEIGHT, // of attention
    OUT_BIAS,
    AFTER_WEIGHT, // of the norm behind attention; NULL: the MLP reads what attention reads
    AFTER_BIAS,
    UP_WEIGHT,
    UP_BIAS,
    DOWN_WEIGHT,
    DOWN_BIAS,
    PRENORM_TENSORS
};

// Slots of an `arch`. The layer's attention has its queries, keys and values from the caller.
mlp_weights prenorm_mlp(const model *m, int layer, int expert);
status prenorm_layer(pass *p, int layer, attention_weights attention);
status prenorm_finish(pass *p);

#endif
