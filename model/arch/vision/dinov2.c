// SPDX-License-Identifier: Apache-2.0
// DINOv2, with registers or without: ViT whose blocks' outputs are scaled channel by channel, the
// largest with a gated MLP. Its classes' heads read the mean of all patches too: activations only.
#include <string.h>

#include "model/families/vision.h"
#include "model/forward/state.h"

enum { CLS, POSITIONS, REGISTERS, PATCH_WEIGHT, PATCH_BIAS, NORM_WEIGHT, NORM_BIAS, GLOBALS };

#define ROOT  "dinov2."
#define EMBED ROOT "embeddings."
#define LAYER ROOT "encoder.layer.%d."
#define ATTN  LAYER "attention."
#define MLP   LAYER "mlp."

static const tensor_def globals[GLOBALS] = {
    [CLS] = {EMBED "cls_token",
             {DIM_ONE, DIM_ONE, DIM_HIDDEN},
             .init = INIT_TRUNC_NORMAL,
             .rows = true},
    [POSITIONS] = {EMBED "position_embeddings",
                   {DIM_ONE, DIM_POSITIONS, DIM_HIDDEN},
                   .init = INIT_TRUNC_NORMAL,
                   .rows = true},
    [REGISTERS] = {EMBED "register_tokens",
                   {DIM_ONE, DIM_REGISTERS, DIM_HIDDEN},
                   .init = INIT_ZEROS,
                   .rows = true,
                   .needs = FEATURE_REGISTERS},
    [PATCH_WEIGHT] = {EMBED "patch_embeddings.projection.weight",
                      {DIM_HIDDEN, DIM_CHANNELS, DIM_PATCH_HEIGHT, DIM_PATCH_WIDTH},
                      .init = INIT_TRUNC_NORMAL},
    [PATCH_BIAS] = VISION_BIAS(EMBED "patch_embeddings.projection", DIM_HIDDEN),
    VISION_NORM(NORM_WEIGHT, ROOT "layernorm"),
};

#define MATRIX(name, out, in)                                                                      \
    {                                                                                              \
        name ".weight", {out, in}, .init = INIT_TRUNC_NORMAL                                       \
    }
#define PART(place, name, out, in, feature)                                                        \
    [place] = {name ".weight", {out, in}, .init = INIT_TRUNC_NORMAL, .needs = (feature)},          \
    [(place) + 1] = {name ".bias", {out}, .init = INIT_ZEROS, .needs = (feature)}

static const tensor_def per_layer[VISION_TENSORS] = {
    VISION_NORM(BEFORE_WEIGHT, LAYER "norm1"),
    [VISION_QUERY_WEIGHT] = MATRIX(ATTN "attention.query", DIM_ATTN, DIM_HIDDEN),
    [VISION_QUERY_BIAS] = VISION_QKV_BIAS(ATTN "attention.query"),
    [VISION_KEY_WEIGHT] = MATRIX(ATTN "attention.key", DIM_ATTN, DIM_HIDDEN),
    [VISION_KEY_BIAS] = VISION_QKV_BIAS(ATTN "attention.key"),
    [VISION_VALUE_WEIGHT] = MATRIX(ATTN "attention.value", DIM_ATTN, DIM_HIDDEN),
    [VISION_VALUE_BIAS] = VISION_QKV_BIAS(ATTN "attention.value"),
    PART(OUT_WEIGHT, ATTN "output.dense", DIM_HIDDEN, DIM_ATTN, 0),
    [VISION_SCALE_ATTN] = {LAYER "layer_scale1.lambda1", {DIM_HIDDEN}, .init = INIT_LAYER_SCALE},
    VISION_NORM(AFTER_WEIGHT, LAYER "norm2"),
    PART(UP_WEIGHT, MLP "fc1", DIM_MLP, DIM_HIDDEN, FEATURE_PLAIN_MLP),
    PART(DOWN_WEIGHT, MLP "fc2", DIM_HIDDEN, DIM_MLP, FEATURE_PLAIN_MLP),
    PART(VISION_GATE_WEIGHT, MLP "weights_in", DIM_MLP, DIM_HIDDEN, FEATURE_GATED_MLP),
    PART(VISION_GATED_UP_WEIGHT, MLP "weights_in", DIM_MLP, DIM_HIDDEN, FEATURE_GATED_MLP),
    PART(VISION_GATED_DOWN_WEIGHT, MLP "weights_out", DIM_HIDDEN, DIM_MLP, FEATURE_GATED_MLP),
    [VISION_SCALE_MLP] = {LAYER "layer_scale2.lambda1", {DIM_HIDDEN}, .init = INIT_LAYER_SCALE},
};

// Of the gated MLP's first matrix.
#define GATE_UP(n)                                                                                 \
    {                                                                                              \
        .safetensors = LAYOUT_GATE_UP, .part = (n)                                                 \
    }

static const tensor_form global_forms[GLOBALS];
static const tensor_form layer_forms[VISION_TENSORS] = {
    [VISION_GATE_WEIGHT] = GATE_UP(0),
    [VISION_GATE_BIAS] = GATE_UP(0),
    [VISION_GATED_UP_WEIGHT] = GATE_UP(1),
    [VISION_GATED_UP_BIAS] = GATE_UP(1),
};

static const char *const other_names[] = {"dinov2.", "dinov2_with_registers.", NULL};

static const tensor_table tensors = {
    .globals = globals,
    .layer = per_layer,
    .n_globals = GLOBALS,
    .n_layer = VISION_TENSORS,
    .n_embedding = NORM_WEIGHT,
    .global_forms = global_forms,
    .layer_forms = layer_forms,
    .prefix = ROOT,
    .other_names = other_names,
};

// The gated MLP has two thirds of the width, in eights, and an activation of its own.
static void choose_mlp(bool gated, config *out)
{
    model_info *i = &out->info;
    out->features |= gated ? FEATURE_GATED_MLP : FEATURE_PLAIN_MLP;
    if (!gated)
        return;
    i->gated = true;
    i->d_mlp = ((int)(i->d_mlp * 2.0 / 3) + 7) / 8 * 8;
    out->act = activation_find("silu");
}

static status dinov2_configure(const config_file *f, config *out)
{
    status st;
    static const vision_class class = {.task = "Dinov2",
                                       .patch = 14,
                                       .act = "gelu",
                                       .eps = 1e-6,
                                       .headless = true,
                                       .ratio = true,
                                       .tokens = 1};
    bool gated;
    const char *type = NULL;
    TRY(config_text(f, "model_type", NULL, &type));
    TRY(vision_configure(f, &class, out));
    TRY(config_bool(f, "use_swiglu_ffn", false, &gated));
    TRY(config_real(f, "layerscale_value", -1e6, 1e6, 1, &out->layer_scale));
    if (strcmp(type, "dinov2") != 0)
        TRY(config_int(f, "num_register_tokens", 0, 1024, 4, &out->registers));
    if (out->info.image_height != out->info.image_width) { // the class interpolates the positions
        st = status_fail(ERR_INPUT, config_file_path(f), "\"image_size\" must be one number");
        goto done;
    }
    out->info.rows_per_image += out->registers;
    out->info.apart = true;
    out->features |= out->registers > 0 ? FEATURE_REGISTERS : 0;
    choose_mlp(gated, out);
done:
    return st;
}

static status dinov2_embed(pass *p)
{
    const weights *w = p->m->weights;
    return vision_embed(p, &(vision_embedding){
                               .projection = weights_linear(w, -1, PATCH_WEIGHT, PATCH_BIAS),
                               .token = {weights_global(w, CLS)},
                               .registers = weights_global(w, REGISTERS),
                               .positions = weights_global(w, POSITIONS),
                           });
}

const arch arch_dinov2 = {
    .name = "dinov2",
    .model_types = (const char *const[]){"dinov2", "dinov2_with_registers", NULL},
    .configure = dinov2_configure,
    .tensors = &tensors,
    .mlp = vision_mlp,
    .output = vision_output,
    .embed = dinov2_embed,
    VISION_SLOTS,
};
