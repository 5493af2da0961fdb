// SPDX-License-Identifier: Apache-2.0
// CLIP's vision tower, alone or in a file with its text tower: ViT with a norm behind its
// embeddings. What it puts out is compared with texts: activations only.
#include "model/families/vision.h"
#include "model/forward/state.h"

enum { CLS, POSITIONS, PATCH_WEIGHT, FIRST_WEIGHT, FIRST_BIAS, NORM_WEIGHT, NORM_BIAS, GLOBALS };

#define ROOT  "vision_model."
#define EMBED ROOT "embeddings."
#define LAYER ROOT "encoder.layers.%d."
#define ATTN  LAYER "self_attn."

static const tensor_def globals[GLOBALS] = {
    [CLS] = {EMBED "class_embedding", {DIM_HIDDEN}, .init = INIT_WIDTH},
    [POSITIONS] = {EMBED "position_embedding.weight",
                   {DIM_POSITIONS, DIM_HIDDEN},
                   .init = INIT_NORMAL,
                   .rows = true},
    [PATCH_WEIGHT] = {EMBED "patch_embedding.weight",
                      {DIM_HIDDEN, DIM_CHANNELS, DIM_PATCH_HEIGHT, DIM_PATCH_WIDTH},
                      .init = INIT_NORMAL},
    VISION_NORM(FIRST_WEIGHT, ROOT "pre_layrnorm"), // the files spell it so
    VISION_NORM(NORM_WEIGHT, ROOT "post_layernorm"),
};

#define PART(place, name, out, in, how)                                                            \
    [place] = {name ".weight", {out, in}, .init = (how)}, [(place) + 1] = VISION_BIAS(name, out)

static const tensor_def per_layer[VISION_TENSORS] = {
    VISION_NORM(BEFORE_WEIGHT, LAYER "layer_norm1"),
    PART(VISION_QUERY_WEIGHT, ATTN "q_proj", DIM_ATTN, DIM_HIDDEN, INIT_WIDTH_LAYERS),
    PART(VISION_KEY_WEIGHT, ATTN "k_proj", DIM_ATTN, DIM_HIDDEN, INIT_WIDTH_LAYERS),
    PART(VISION_VALUE_WEIGHT, ATTN "v_proj", DIM_ATTN, DIM_HIDDEN, INIT_WIDTH_LAYERS),
    PART(OUT_WEIGHT, ATTN "out_proj", DIM_HIDDEN, DIM_ATTN, INIT_WIDTH),
    VISION_NORM(AFTER_WEIGHT, LAYER "layer_norm2"),
    PART(UP_WEIGHT, LAYER "mlp.fc1", DIM_MLP, DIM_HIDDEN, INIT_HALF_WIDTH),
    PART(DOWN_WEIGHT, LAYER "mlp.fc2", DIM_HIDDEN, DIM_MLP, INIT_WIDTH_LAYERS),
};

static const char *const beside[] = {"text_model.", "text_projection.", "visual_projection.",
                                     "logit_scale", "classifier.",      NULL};

static const tensor_table tensors = {
    .globals = globals,
    .layer = per_layer,
    .n_globals = GLOBALS,
    .n_layer = VISION_TENSORS,
    .n_embedding = NORM_WEIGHT,
    .prefix = ROOT,
    .beside = beside,
};

static status clip_configure(const config_file *f, config *out)
{
    static const vision_class class = {.task = "CLIP",
                                       .patch = 32,
                                       .act = "quick_gelu",
                                       .eps = 1e-5,
                                       .headless = true,
                                       .tokens = 1};
    status st;
    TRY(vision_configure_part(f, &class, out));
    out->initializer_range *= out->init_factor;
done:
    return st;
}

// The norm's result is what the layers add to.
static status clip_embed(pass *p)
{
    status st;
    const weights *w = p->m->weights;
    TRY(vision_embed(p, &(vision_embedding){
                            .projection = weights_linear(w, -1, PATCH_WEIGHT, -1),
                            .token = {weights_global(w, CLS)},
                            .positions = weights_global(w, POSITIONS),
                        }));
    TRY(block_layer_norm_sum(p, weights_global(w, FIRST_WEIGHT), weights_global(w, FIRST_BIAS), -1,
                             SITE_MLP));
done:
    return st;
}

const arch arch_clip = {
    .name = "clip",
    .model_types = (const char *const[]){"clip", "clip_vision_model", NULL},
    .configure = clip_configure,
    .tensors = &tensors,
    .mlp = vision_mlp,
    .output = vision_output,
    .embed = clip_embed,
    VISION_SLOTS,
};
