// SPDX-License-Identifier: Apache-2.0
// DeiT: ViT with a second token, for distillation. Answers are read from the first one's head; of
// the class with a teacher, whose answers are the mean of two heads, activations only.
#include "model/families/vision.h"
#include "model/forward/state.h"

enum {
    CLS,
    DISTILLATION,
    POSITIONS,
    PATCH_WEIGHT,
    PATCH_BIAS,
    NORM_WEIGHT,
    NORM_BIAS,
    OUTPUT_WEIGHT,
    OUTPUT_BIAS,
    GLOBALS
};

#define ROOT  "deit."
#define EMBED ROOT "embeddings."
#define LAYER ROOT "encoder.layer.%d."
#define ATTN  LAYER "attention."

static const tensor_def globals[GLOBALS] = {
    [CLS] = {EMBED "cls_token", {DIM_ONE, DIM_ONE, DIM_HIDDEN}, .init = INIT_ZEROS, .rows = true},
    [DISTILLATION] = {EMBED "distillation_token",
                      {DIM_ONE, DIM_ONE, DIM_HIDDEN},
                      .init = INIT_ZEROS,
                      .rows = true},
    [POSITIONS] = {EMBED "position_embeddings",
                   {DIM_ONE, DIM_POSITIONS, DIM_HIDDEN},
                   .init = INIT_ZEROS,
                   .rows = true},
    [PATCH_WEIGHT] = {EMBED "patch_embeddings.projection.weight",
                      {DIM_HIDDEN, DIM_CHANNELS, DIM_PATCH_HEIGHT, DIM_PATCH_WIDTH},
                      .init = INIT_TRUNC_NORMAL},
    [PATCH_BIAS] = VISION_BIAS(EMBED "patch_embeddings.projection", DIM_HIDDEN),
    VISION_NORM(NORM_WEIGHT, ROOT "layernorm"),
    [OUTPUT_WEIGHT] = {"classifier.weight",
                       {DIM_OUTPUTS, DIM_HIDDEN},
                       .init = INIT_TRUNC_NORMAL,
                       .head = true},
    [OUTPUT_BIAS] = {"classifier.bias", {DIM_OUTPUTS}, .init = INIT_ZEROS, .head = true},
};

static const tensor_def per_layer[VISION_TENSORS] = {
    VISION_NORM(BEFORE_WEIGHT, LAYER "layernorm_before"),
    VISION_QKV(ATTN "attention.query", ATTN "attention.key", ATTN "attention.value"),
    VISION_LINEAR(OUT_WEIGHT, ATTN "output.dense", DIM_HIDDEN, DIM_ATTN),
    VISION_NORM(AFTER_WEIGHT, LAYER "layernorm_after"),
    VISION_LINEAR(UP_WEIGHT, LAYER "intermediate.dense", DIM_MLP, DIM_HIDDEN),
    VISION_LINEAR(DOWN_WEIGHT, LAYER "output.dense", DIM_HIDDEN, DIM_MLP),
};

static const tensor_table tensors = {
    .globals = globals,
    .layer = per_layer,
    .n_globals = GLOBALS,
    .n_layer = VISION_TENSORS,
    .n_embedding = NORM_WEIGHT,
    .prefix = ROOT,
};

static status deit_configure(const config_file *f, config *out)
{
    static const vision_class class = {.task = "DeiTForImageClassification",
                                       .patch = 16,
                                       .act = "gelu",
                                       .eps = 1e-12,
                                       .tokens = 2};
    return vision_configure(f, &class, out);
}

static linear deit_output(const model *m)
{
    return weights_linear(m->weights, -1, OUTPUT_WEIGHT, OUTPUT_BIAS);
}

static status deit_embed(pass *p)
{
    const weights *w = p->m->weights;
    return vision_embed(p, &(vision_embedding){
                               .projection = weights_linear(w, -1, PATCH_WEIGHT, PATCH_BIAS),
                               .token = {weights_global(w, CLS), weights_global(w, DISTILLATION)},
                               .positions = weights_global(w, POSITIONS),
                           });
}

const arch arch_deit = {
    .name = "deit",
    .model_types = (const char *const[]){"deit", NULL},
    .configure = deit_configure,
    .tensors = &tensors,
    .mlp = prenorm_mlp,
    .output = deit_output,
    .embed = deit_embed,
    VISION_SLOTS,
};
