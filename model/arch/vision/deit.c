// SPDX-License-Identifier: Apache-2.0
// DeiT: ViT with a second token, for distillation. Answers are read from the first one's head; in the
// class with a teacher they are the mean of both tokens' heads.
#include <string.h>

#include "model/families/vision.h"
#include "model/forward/state.h"

#define ROOT  "deit."
#define EMBED ROOT "embeddings."
#define LAYER ROOT "encoder.layer.%d."
#define ATTN  LAYER "attention."

static const tensor_def globals[VISION_GLOBALS] = {
    [VISION_CLS] = {EMBED "cls_token",
                    {DIM_ONE, DIM_ONE, DIM_HIDDEN},
                    .init = INIT_ZEROS,
                    .rows = true},
    [VISION_DISTILLATION] = {EMBED "distillation_token",
                             {DIM_ONE, DIM_ONE, DIM_HIDDEN},
                             .init = INIT_ZEROS,
                             .rows = true},
    [VISION_POSITIONS] = {EMBED "position_embeddings",
                          {DIM_ONE, DIM_POSITIONS, DIM_HIDDEN},
                          .init = INIT_ZEROS,
                          .rows = true},
    [VISION_PATCH_WEIGHT] = {EMBED "patch_embeddings.projection.weight",
                             {DIM_HIDDEN, DIM_CHANNELS, DIM_PATCH_HEIGHT, DIM_PATCH_WIDTH},
                             .init = INIT_NORMAL},
    [VISION_PATCH_BIAS] = VISION_BIAS(EMBED "patch_embeddings.projection", DIM_HIDDEN),
    VISION_NORM(VISION_NORM_WEIGHT, ROOT "layernorm"),
    [VISION_OUTPUT_WEIGHT] = {"classifier.weight",
                              {DIM_OUTPUTS, DIM_HIDDEN},
                              .init = INIT_NORMAL,
                              .head = true},
    [VISION_OUTPUT_BIAS] = {"classifier.bias", {DIM_OUTPUTS}, .init = INIT_ZEROS, .head = true},
    [VISION_SECOND_WEIGHT] = {"distillation_classifier.weight",
                              {DIM_OUTPUTS, DIM_HIDDEN},
                              .init = INIT_NORMAL,
                              .needs = FEATURE_TWO_HEADS,
                              .head = true},
    [VISION_SECOND_BIAS] = {"distillation_classifier.bias",
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
    .n_globals = VISION_GLOBALS,
    .n_layer = VISION_TENSORS,
    .n_embedding = VISION_NORM_WEIGHT,
    .prefix = ROOT,
    .other_names = other_names,
};

static status deit_configure(const config_file *f, config *out)
{
    status st;
    static const char with_teacher[] = "DeiTForImageClassificationWithTeacher";
    const char *task = config_class(f);
    const bool taught = task && strcmp(task, with_teacher) == 0;
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

const arch arch_deit = {
    .name = "deit",
    .model_types = (const char *const[]){"deit", NULL},
    .configure = deit_configure,
    .tensors = &tensors,
    .second_output = vision_second_head,
    VISION_CLASSIFIER,
};
