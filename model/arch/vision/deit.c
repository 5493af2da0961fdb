// SPDX-License-Identifier: Apache-2.0
// DeiT: ViT with a second token, for distillation. Answers are read from the first one's head; in the
// class with a teacher they are the mean of both tokens' heads.
#include <string.h>

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
    SECOND_WEIGHT,
    SECOND_BIAS,
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
                      .init = INIT_NORMAL},
    [PATCH_BIAS] = VISION_BIAS(EMBED "patch_embeddings.projection", DIM_HIDDEN),
    VISION_NORM(NORM_WEIGHT, ROOT "layernorm"),
    [OUTPUT_WEIGHT] = {"classifier.weight",
                       {DIM_OUTPUTS, DIM_HIDDEN},
                       .init = INIT_NORMAL,
                       .head = true},
    [OUTPUT_BIAS] = {"classifier.bias", {DIM_OUTPUTS}, .init = INIT_ZEROS, .head = true},
    [SECOND_WEIGHT] = {"distillation_classifier.weight",
                       {DIM_OUTPUTS, DIM_HIDDEN},
                       .init = INIT_NORMAL,
                       .needs = FEATURE_TWO_HEADS,
                       .head = true},
    [SECOND_BIAS] = {"distillation_classifier.bias",
                     {DIM_OUTPUTS},
                     .init = INIT_ZEROS,
                     .needs = FEATURE_TWO_HEADS,
                     .head = true},
};

static const tensor_def per_layer[VISION_TENSORS] = {
    VISION_NORM(BEFORE_WEIGHT, LAYER "layernorm_before"),
    VISION_QKV(ATTN "attention.query", ATTN "attention.key", ATTN "attention.value"),
    VISION_LINEAR(OUT_WEIGHT, ATTN "output.dense", DIM_HIDDEN, DIM_ATTN),
    VISION_NORM(AFTER_WEIGHT, LAYER "layernorm_after"),
    VISION_LINEAR(UP_WEIGHT, LAYER "intermediate.dense", DIM_MLP, DIM_HIDDEN),
    VISION_LINEAR(DOWN_WEIGHT, LAYER "output.dense", DIM_HIDDEN, DIM_MLP),
};

// What the class with a teacher calls its first head.
static const char *const other_names[] = {"classifier.", "cls_classifier.", NULL};

static const tensor_table tensors = {
    .globals = globals,
    .layer = per_layer,
    .n_globals = GLOBALS,
    .n_layer = VISION_TENSORS,
    .n_embedding = NORM_WEIGHT,
    .prefix = ROOT,
    .other_names = other_names,
};

static status deit_configure(const config_file *f, config *out)
{
    status st;
    static const char with_teacher[] = "DeiTForImageClassificationWithTeacher";
    const json_t *task = json_array_get(config_file_get(f, "architectures"), 0);
    const bool taught = json_is_string(task) && strcmp(json_string_value(task), with_teacher) == 0;
    const vision_class class = {.task = taught ? with_teacher : "DeiTForImageClassification",
                                .patch = 16,
                                .act = "gelu",
                                .eps = 1e-12,
                                .tokens = 2};
    TRY(vision_configure(f, &class, out));
    out->features |= taught ? FEATURE_TWO_HEADS : 0;
done:
    return st;
}

static linear deit_output(const model *m)
{
    return weights_linear(m->weights, -1, OUTPUT_WEIGHT, OUTPUT_BIAS);
}

static linear deit_second_output(const model *m)
{
    return weights_linear(m->weights, -1, SECOND_WEIGHT, SECOND_BIAS);
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
    .second_output = deit_second_output,
    .embed = deit_embed,
    VISION_SLOTS,
};
