// SPDX-License-Identifier: Apache-2.0
// DINOv2, with registers or without: ViT whose blocks' outputs are scaled channel by channel, the
// largest with a gated MLP. Its classes' heads read the mean of all patches too: activations only.
#include <string.h>

#include "model/families/positions.h"
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

static const tensor_form layer_forms[VISION_TENSORS] = {
    [VISION_GATE_WEIGHT] = GATE_UP(0),
    [VISION_GATE_BIAS] = GATE_UP(0),
    [VISION_GATED_UP_WEIGHT] = GATE_UP(1),
    [VISION_GATED_UP_BIAS] = GATE_UP(1),
};

enum { CLASS_CROP = 224 };

static const char *const other_names[] = {"dinov2.", "dinov2_with_registers.", NULL};

static const tensor_table tensors = {
    .globals = globals,
    .layer = per_layer,
    .n_globals = GLOBALS,
    .n_layer = VISION_TENSORS,
    .n_embedding = NORM_WEIGHT,
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

// A height and a width of the file's, or a number that is both.
static status read_size(const config_file *f, const char *key, int *height, int *width)
{
    status st;
    config_file *both = NULL;
    TRY(config_file_part(f, key, &both));
    if (both && config_has(both, "height") && config_has(both, "width")) {
        TRY(config_int(both, "height", 1, VISION_MAX_IMAGE, *height, height));
        TRY(config_int(both, "width", 1, VISION_MAX_IMAGE, *width, width));
    } else if (!both && config_has(f, key)) {
        TRY(config_int(f, key, 1, VISION_MAX_IMAGE, *height, height));
        *width = *height;
    }
done:
    config_file_close(both);
    return st;
}

// Is the centre cut out of images unless the file says otherwise, 224 pixels wide and high where it
// does not say how large? So the classes of transformers do that were made for it.
static status read_class(const config_file *f, bool *crops)
{
    static const char *const keys[] = {"image_processor_type", "feature_extractor_type"};
    static const char *const names[] = {"Bit", "CLIP", "DeiT"};
    *crops = false;
    for (size_t k = 0; k < sizeof keys / sizeof *keys; k++) {
        const char *name;
        const status st = config_text(f, keys[k], "", &name);
        if (st != OK)
            return st;
        for (size_t i = 0; i < sizeof names / sizeof *names; i++)
            *crops |= strncmp(name, names[i], strlen(names[i])) == 0;
    }
    return OK;
}

// Images are as large as the preprocessing makes them, not as in training: the positions are then
// resampled, as the class does it.
static status read_image_size(const config_file *f, bool antialiased, config *out)
{
    status st;
    config_file *beside = NULL;
    model_info *i = &out->info;
    const int trained = i->image_height / out->patch_height;
    bool crop = false, crops;
    TRY(config_file_beside(f, "preprocessor_config.json", &beside));
    if (beside) {
        TRY(read_class(beside, &crops));
        TRY(config_bool(beside, "do_center_crop", crops || config_has(beside, "crop_size"), &crop));
        if (crop && crops)
            i->image_height = i->image_width = CLASS_CROP;
        TRY(read_size(beside, crop ? "crop_size" : "size", &i->image_height, &i->image_width));
    }
    TRY(vision_count_rows(f, 1, out));
    const int down = i->image_height / out->patch_height;
    const int across = i->image_width / out->patch_width;
    if (config_patches(out) == trained * trained && i->image_height == i->image_width)
        goto done;
    if (trained > POSITION_SHRINK * down || trained > POSITION_SHRINK * across) {
        st = status_fail(ERR_INPUT, config_file_path(f),
                         "\"image_size\" is more than %d times what the preprocessing makes",
                         POSITION_SHRINK);
        goto done;
    }
    out->grid = trained;
    out->antialiased = antialiased;
done:
    config_file_close(beside);
    return st;
}

static status dinov2_configure(const config_file *f, config *out)
{
    status st;
    vision_class class = {.task = "Dinov2",
                          .patch = 14,
                          .act = "gelu",
                          .eps = 1e-6,
                          .headless = true,
                          .ratio = true,
                          .tokens = 1};
    bool gated;
    const char *type = NULL;
    TRY(config_text(f, "model_type", NULL, &type));
    if (strcmp(type, "dinov2") != 0)
        class.patch = 16;
    TRY(vision_configure(f, &class, out));
    TRY(config_bool(f, "use_swiglu_ffn", false, &gated));
    TRY(config_real(f, "layerscale_value", -1e6, 1e6, 1, &out->layer_scale));
    if (strcmp(type, "dinov2") != 0)
        TRY(config_int(f, "num_register_tokens", 0, 1024, 4, &out->registers));
    if (out->info.image_height != out->info.image_width) { // the class interpolates the positions
        st = status_fail(ERR_INPUT, config_file_path(f), "\"image_size\" must be one number");
        goto done;
    }
    if (out->patch_height != out->patch_width) {
        st = status_fail(ERR_INPUT, config_file_path(f), "\"patch_size\" must be one number");
        goto done;
    }
    TRY(read_image_size(f, strcmp(type, "dinov2") != 0, out));
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
