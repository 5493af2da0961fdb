// SPDX-License-Identifier: Apache-2.0
// The names of tensors differ between these architectures, the order of blocks does not: so each
// has a table of its own, and these functions know the places in it.
#include "model/families/prenorm.h"

#include "model/forward/state.h"

mlp_weights prenorm_mlp(const model *m, int layer, int expert)
{
    (void)expert;
    return (mlp_weights){
        .up = weights_linear(m->weights, layer, UP_WEIGHT, UP_BIAS),
        .down = weights_linear(m->weights, layer, DOWN_WEIGHT, DOWN_BIAS),
        .act = m->config.act,
    };
}

// A norm behind each of the two sums, instead of before each block.
static status layer_of_sums(pass *p, int layer, const attention_weights *attention)
{
    status st;
    const weights *w = p->m->weights;
    TRY(block_pass_on(p, layer - 1, SITE_MLP));
    TRY(block_attention(p, layer, attention));
    TRY(block_layer_norm_sum(p, weights_layer(w, layer, BEFORE_WEIGHT),
                             weights_layer(w, layer, BEFORE_BIAS), layer, SITE_ATTN));
    TRY(block_mlp(p, layer));
    if (!p->sites_only)
        TRY(block_layer_norm_sum(p, weights_layer(w, layer, AFTER_WEIGHT),
                                 weights_layer(w, layer, AFTER_BIAS), layer, SITE_MLP));
done:
    return st;
}

status prenorm_layer(pass *p, int layer, attention_weights attention)
{
    status st;
    const weights *w = p->m->weights;
    const float *after = weights_layer(w, layer, AFTER_WEIGHT);
    attention.o = weights_linear(w, layer, OUT_WEIGHT, OUT_BIAS);
    if (p->m->config.norm_behind_sum)
        return layer_of_sums(p, layer, &attention);
    TRY(block_layer_norm(p, weights_layer(w, layer, BEFORE_WEIGHT),
                         weights_layer(w, layer, BEFORE_BIAS), layer - 1, SITE_MLP));
    attention.held = p->m->config.parallel && after;
    TRY(block_attention(p, layer, &attention));
    if (after)
        TRY(block_layer_norm(p, after, weights_layer(w, layer, AFTER_BIAS), layer, SITE_ATTN));
    if (attention.held)
        TRY(block_add_held(p));
    TRY(block_mlp(p, layer));
done:
    return st;
}

status prenorm_finish(pass *p)
{
    const model *m = p->m;
    const int norm = m->arch->tensors->n_embedding;
    return block_layer_norm(p, weights_global(m->weights, norm),
                            weights_global(m->weights, norm + 1), m->config.info.layers - 1,
                            SITE_MLP);
}
