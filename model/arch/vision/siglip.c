// SPDX-License-Identifier: Apache-2.0
// SigLIP's vision tower, alone or in a file with its text tower: ViT without a token of its own,
// whose patches another attention pools. That comes behind all layers: activations only.
#include "model/families/vision.h"
#include "model/forward/state.h"

enum { POSITIONS, PATCH_WEIGHT, PATCH_BIAS, NORM_WEIGHT, NORM_BIAS, GLOBALS };

#define ROOT  "vision_model."
#define EMBED ROOT "embeddings."
#define LAYER ROOT "encoder.layers.%d."
#define ATTN  LAYER "self_attn."

static const tensor_def globals[GLOBALS] = {
    [POSITIONS] = {EMBED "position_embedding.weight",
                   {DIM_POSITIONS, DIM_HIDDEN},
                   .init = INIT_WIDTH,
                   .rows = true},
    [PATCH_WEIGHT] = {EMBED "patch_embedding.weight",
                      {DIM_HIDDEN, DIM_CHANNELS, DIM_PATCH_HEIGHT, DIM_PATCH_WIDTH},
                      .init = INIT_LECUN},
    [PATCH_BIAS] = VISION_BIAS(EMBED "patch_embedding", DIM_HIDDEN),
    VISION_NORM(NORM_WEIGHT, ROOT "post_layernorm"),
};

#define PART(place, name, out, in, of_bias)                                                        \
    [place] = {name ".weight", {out, in}, .init = INIT_XAVIER},                                    \
    [(place) + 1] = {name ".bias", {out}, .init = (of_bias)}

static const tensor_def per_layer[VISION_TENSORS] = {
    VISION_NORM(BEFORE_WEIGHT, LAYER "layer_norm1"),
    PART(VISION_QUERY_WEIGHT, ATTN "q_proj", DIM_ATTN, DIM_HIDDEN, INIT_ZEROS),
    PART(VISION_KEY_WEIGHT, ATTN "k_proj", DIM_ATTN, DIM_HIDDEN, INIT_ZEROS),
    PART(VISION_VALUE_WEIGHT, ATTN "v_proj", DIM_ATTN, DIM_HIDDEN, INIT_ZEROS),
    PART(OUT_WEIGHT, ATTN "out_proj", DIM_HIDDEN, DIM_ATTN, INIT_ZEROS),
    VISION_NORM(AFTER_WEIGHT, LAYER "layer_norm2"),
    PART(UP_WEIGHT, LAYER "mlp.fc1", DIM_MLP, DIM_HIDDEN, INIT_TINY),
    PART(DOWN_WEIGHT, LAYER "mlp.fc2", DIM_HIDDEN, DIM_MLP, INIT_TINY),
};

static const char *const beside[] = {
    "text_model.", "logit_scale", "logit_bias", "classifier.", "vision_model.head.", "head.", NULL};

static const tensor_table tensors = {
    .globals = globals,
    .layer = per_layer,
    .n_globals = GLOBALS,
    .n_layer = VISION_TENSORS,
    .n_embedding = NORM_WEIGHT,
    .prefix = ROOT,
    .beside = beside,
};

static status siglip_configure(const config_file *f, config *out)
{
    static const vision_class class = {
        .task = "Siglip", .patch = 16, .act = "gelu_pytorch_tanh", .eps = 1e-6, .headless = true};
    status st;
    TRY(vision_configure_part(f, &class, out));
    out->init_factor = 1; // which only its classifier has
done:
    return st;
}

static status siglip_embed(pass *p)
{
    const weights *w = p->m->weights;
    return vision_embed(p, &(vision_embedding){
                               .projection = weights_linear(w, -1, PATCH_WEIGHT, PATCH_BIAS),
                               .positions = weights_global(w, POSITIONS),
                           });
}

const arch arch_siglip = {
    .name = "siglip",
    .model_types = (const char *const[]){"siglip", "siglip_vision_model", NULL},
    .configure = siglip_configure,
    .tensors = &tensors,
    .mlp = vision_mlp,
    .output = vision_output,
    .embed = siglip_embed,
    VISION_SLOTS,
};
