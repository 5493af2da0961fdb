// SPDX-License-Identifier: Apache-2.0
// Vision transformers: Hugging Face's ViTForImageClassification. VISION_CLS token first, from which the
// head answers.
#include "model/families/vision.h"
#include "model/forward/state.h"

static const tensor_def globals[VISION_GLOBALS] = {
    [VISION_CLS] = {"vit.embeddings.cls_token",
                    {DIM_ONE, DIM_ONE, DIM_HIDDEN},
                    .init = INIT_TRUNC_NORMAL,
                    .rows = true},
    [VISION_POSITIONS] = {"vit.embeddings.position_embeddings",
                          {DIM_ONE, DIM_POSITIONS, DIM_HIDDEN},
                          .init = INIT_TRUNC_NORMAL,
                          .rows = true},
    [VISION_PATCH_WEIGHT] = {"vit.embeddings.patch_embeddings.projection.weight",
                             {DIM_HIDDEN, DIM_CHANNELS, DIM_PATCH_HEIGHT, DIM_PATCH_WIDTH},
                             .init = INIT_NORMAL},
    [VISION_PATCH_BIAS] = {"vit.embeddings.patch_embeddings.projection.bias",
                           {DIM_HIDDEN},
                           .init = INIT_ZEROS},
    [VISION_NORM_WEIGHT] = {"vit.layernorm.weight", {DIM_HIDDEN}, .init = INIT_ONES},
    [VISION_NORM_BIAS] = {"vit.layernorm.bias", {DIM_HIDDEN}, .init = INIT_ZEROS},
    [VISION_OUTPUT_WEIGHT] = {"classifier.weight",
                              {DIM_OUTPUTS, DIM_HIDDEN},
                              .init = INIT_NORMAL,
                              .head = true},
    [VISION_OUTPUT_BIAS] = {"classifier.bias", {DIM_OUTPUTS}, .init = INIT_ZEROS, .head = true},
};

#define LAYER "vit.encoder.layer.%d."
#define ATTN  LAYER "attention."

static const tensor_def per_layer[VISION_TENSORS] = {
    VISION_NORM(BEFORE_WEIGHT, LAYER "layernorm_before"),
    VISION_QKV(ATTN "attention.query", ATTN "attention.key", ATTN "attention.value"),
    VISION_LINEAR(OUT_WEIGHT, ATTN "output.dense", DIM_HIDDEN, DIM_ATTN),
    VISION_NORM(AFTER_WEIGHT, LAYER "layernorm_after"),
    VISION_LINEAR(UP_WEIGHT, LAYER "intermediate.dense", DIM_MLP, DIM_HIDDEN),
    VISION_LINEAR(DOWN_WEIGHT, LAYER "output.dense", DIM_HIDDEN, DIM_MLP),
};

static status vit_configure(const config_file *f, config *out)
{
    static const vision_class class = {
        .task = "ViTForImageClassification", .patch = 16, .act = "gelu", .eps = 1e-12, .tokens = 1};
    return vision_configure(f, &class, out);
}

// As version 5 of transformers names them.
static const char *const other_names[] = {"vit.encoder.layer.",
                                          "vit.layers.",
                                          "attention.attention.query",
                                          "attention.q_proj",
                                          "attention.attention.key",
                                          "attention.k_proj",
                                          "attention.attention.value",
                                          "attention.v_proj",
                                          "attention.output.dense",
                                          "attention.o_proj",
                                          "intermediate.dense",
                                          "mlp.fc1",
                                          ".output.dense",
                                          ".mlp.fc2",
                                          NULL};

static const tensor_table tensors = {
    .globals = globals,
    .layer = per_layer,
    .n_globals = VISION_GLOBALS,
    .n_layer = VISION_TENSORS,
    .n_embedding = VISION_NORM_WEIGHT,
    .prefix = "vit.",
    .other_names = other_names,
};

const arch arch_vit = {
    .name = "vit",
    .model_types = (const char *const[]){"vit", NULL},
    .configure = vit_configure,
    .tensors = &tensors,
    VISION_CLASSIFIER,
};
