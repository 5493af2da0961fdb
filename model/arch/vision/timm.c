// SPDX-License-Identifier: Apache-2.0
// Vision transformers as timm has them: ViT and DeiT under its names of tensors, with queries, keys
// and values in one. Its config.json holds a name that stands for the sizes, and what is otherwise
// than the name says. A distilled model has a second token with a head of its own; answers are the
// mean of both.
#include <stdio.h>
#include <string.h>

#include "model/families/vision.h"
#include "model/forward/state.h"

#define ROOT  "timm_model." // in files that transformers wrote
#define LAYER ROOT "blocks.%d."
#define ATTN  LAYER "attn."
#define TOKEN(name, length, how, feature)                                                          \
    {                                                                                              \
        ROOT name, {DIM_ONE, length, DIM_HIDDEN}, .init = (how), .needs = (feature), .rows = true  \
    }
#define HEAD(place, name, feature)                                                                 \
    [place] = {ROOT name ".weight",                                                                \
               {DIM_OUTPUTS, DIM_HIDDEN},                                                          \
               .init = INIT_TRUNC_NORMAL,                                                          \
               .needs = (feature),                                                                 \
               .head = true},                                                                      \
    [(place) + 1] = {                                                                              \
        ROOT name ".bias", {DIM_OUTPUTS}, .init = INIT_ZEROS, .needs = (feature), .head = true}

static const tensor_def globals[VISION_GLOBALS] = {
    [VISION_CLS] = TOKEN("cls_token", DIM_ONE, INIT_TINY, 0),
    [VISION_DISTILLATION] = TOKEN("dist_token", DIM_ONE, INIT_TRUNC_NORMAL, FEATURE_TWO_HEADS),
    [VISION_POSITIONS] = TOKEN("pos_embed", DIM_POSITIONS, INIT_TRUNC_NORMAL, 0),
    [VISION_PATCH_WEIGHT] = {ROOT "patch_embed.proj.weight",
                             {DIM_HIDDEN, DIM_CHANNELS, DIM_PATCH_HEIGHT, DIM_PATCH_WIDTH},
                             .init = INIT_PATCH},
    [VISION_PATCH_BIAS] = {ROOT "patch_embed.proj.bias", {DIM_HIDDEN}, .init = INIT_PATCH},
    VISION_NORM(VISION_NORM_WEIGHT, ROOT "norm"),
    HEAD(VISION_OUTPUT_WEIGHT, "head", 0),
    HEAD(VISION_SECOND_WEIGHT, "head_dist", FEATURE_TWO_HEADS),
};

#define PART(place, name, out, in)                                                                 \
    [place] = {name ".weight", {out, in}, .init = INIT_TRUNC_NORMAL},                              \
    [(place) + 1] = {name ".bias", {out}, .init = INIT_ZEROS}
#define QKV(place)                                                                                 \
    [place] = {ATTN "qkv.weight", {DIM_ATTN, DIM_HIDDEN}, .init = INIT_TRUNC_NORMAL},              \
    [(place) + 1] = VISION_QKV_BIAS(ATTN "qkv")

static const tensor_def per_layer[VISION_TENSORS] = {
    VISION_NORM(BEFORE_WEIGHT, LAYER "norm1"),
    QKV(VISION_QUERY_WEIGHT),
    QKV(VISION_KEY_WEIGHT),
    QKV(VISION_VALUE_WEIGHT),
    PART(OUT_WEIGHT, ATTN "proj", DIM_HIDDEN, DIM_ATTN),
    VISION_NORM(AFTER_WEIGHT, LAYER "norm2"),
    PART(UP_WEIGHT, LAYER "mlp.fc1", DIM_MLP, DIM_HIDDEN),
    PART(DOWN_WEIGHT, LAYER "mlp.fc2", DIM_HIDDEN, DIM_MLP),
};

#define QKV_FORM(n)                                                                                \
    {                                                                                              \
        .safetensors = LAYOUT_QKV, .part = (n)                                                     \
    }

static const tensor_form layer_forms[VISION_TENSORS] = {
    [VISION_QUERY_WEIGHT] = QKV_FORM(0), [VISION_QUERY_BIAS] = QKV_FORM(0),
    [VISION_KEY_WEIGHT] = QKV_FORM(1),   [VISION_KEY_BIAS] = QKV_FORM(1),
    [VISION_VALUE_WEIGHT] = QKV_FORM(2), [VISION_VALUE_BIAS] = QKV_FORM(2),
};

static const tensor_table tensors = {
    .globals = globals,
    .layer = per_layer,
    .n_globals = VISION_GLOBALS,
    .n_layer = VISION_TENSORS,
    .n_embedding = VISION_NORM_WEIGHT,
    .layer_forms = layer_forms,
    .prefix = ROOT,
};

// What a name stands for.
typedef struct sizes {
    int hidden, layers, heads, mlp, patch, image;
    bool distilled;
} sizes;

// Reads vit_SIZE_patchP_IMAGE, deit_SIZE_patchP_IMAGE and deit_SIZE_distilled_patchP_IMAGE, with or
// without a .tag behind it. timm has many more, whose blocks are others.
static bool read_name(const char *name, sizes *out)
{
    static const struct {
        const char *name;
        sizes is;
    } known[] = {{"tiny", {192, 12, 3, 768, 0, 0, false}},
                 {"small", {384, 12, 6, 1536, 0, 0, false}},
                 {"base", {768, 12, 12, 3072, 0, 0, false}},
                 {"large", {1024, 24, 16, 4096, 0, 0, false}},
                 {"huge", {1280, 32, 16, 5120, 0, 0, false}},
                 {"giant", {1408, 40, 16, 6144, 0, 0, false}},
                 {"gigantic", {1664, 48, 16, 8192, 0, 0, false}}};
    char family[16], size[16];
    int patch, image, end = 0;
    bool distilled = false;
    if (sscanf(name, "%7[a-z]_%15[a-z]_patch%4d_%4d%n", family, size, &patch, &image, &end) != 4) {
        distilled = true;
        if (sscanf(name, "%7[a-z]_%15[a-z]_distilled_patch%4d_%4d%n", family, size, &patch, &image,
                   &end) != 4)
            return false;
    }
    if ((name[end] && name[end] != '.') || patch < 1 || image < 1 ||
        !(strcmp(family, "deit") == 0 || (strcmp(family, "vit") == 0 && !distilled)))
        return false;
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (strcmp(known[i].name, size) == 0) {
            *out = known[i].is;
            out->patch = patch;
            out->image = image;
            out->distilled = distilled;
            return true;
        }
    return false;
}

// Refuses arguments of the model's class that are set and not read below.
static status check_arguments(const config_file *f, const json_t *arguments)
{
    static const char *const known[] = {
        "img_size",       "patch_size",     "in_chans",       "num_classes",
        "embed_dim",      "depth",          "num_heads",      "mlp_ratio",
        "qkv_bias",       "class_token",    "global_pool",    "drop_rate",
        "weight_init",    "fix_init",       "pos_drop_rate",  "patch_drop_rate",
        "proj_drop_rate", "attn_drop_rate", "drop_path_rate", "dynamic_img_size"};
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)arguments, key, value)
    {
        bool found = json_is_null(value) || json_is_false(value);
        for (size_t i = 0; i < sizeof known / sizeof *known && !found; i++)
            found = strcmp(known[i], key) == 0;
        if (!found)
            return status_fail(
                ERR_INPUT, config_file_path(f),
                "\"model_args\": %.64s is not supported, and would change the result", key);
    }
    return OK;
}

// The size of images, and their channels: of the arguments, else of the preprocessing, else the
// name's.
static status read_image(const config_file *arguments, const config_file *pretrained,
                         const sizes *named, config *out)
{
    status st;
    model_info *i = &out->info;
    const json_t *size = config_file_get(pretrained, "input_size");
    bool is_fixed;
    int given[3] = {3, named->image, named->image};
    TRY(config_bool(pretrained, "fixed_input_size", false, &is_fixed));
    for (size_t k = 0; k < 3 && json_array_size(size) == 3; k++) {
        const json_t *item = json_array_get(size, k);
        const json_int_t n = json_integer_value(item);
        if (!json_is_integer(item) || n < 1 || n > VISION_MAX_IMAGE) {
            st = status_fail(ERR_INPUT, config_file_path(pretrained),
                             "\"input_size\" must hold channels, height and width");
            goto done;
        }
        given[k] = k == 0 || is_fixed ? (int)n : given[k];
    }
    TRY(config_int(arguments, "in_chans", 1, 1024, given[0], &i->channels));
    TRY(config_size(arguments, "img_size", 1, VISION_MAX_IMAGE, given[1], &i->image_height,
                    &i->image_width));
    if (!config_file_get(arguments, "img_size"))
        i->image_width = given[2];
    TRY(config_size(arguments, "patch_size", 1, VISION_MAX_IMAGE, named->patch, &out->patch_height,
                    &out->patch_width));
done:
    return st;
}

// What of the class token is read where, and how many classes there are.
static status read_answers(const config_file *f, const config_file *arguments,
                           const config_file *pretrained, config *out)
{
    status st;
    enum { MAX_CLASSES = 1 << 20 };
    const config_file *const from[] = {pretrained, f, arguments};
    const char *pooling = NULL;
    bool token;
    int classes = 1000;
    for (size_t i = 0; i < 3; i++) {
        TRY(config_int(from[i], "num_classes", 0, MAX_CLASSES, classes, &classes));
        TRY(config_text(from[i], "global_pool", "token", &pooling));
        if (strcmp(pooling, "token") != 0) {
            st = status_fail(ERR_INPUT, config_file_path(f),
                             "\"global_pool\": %.40s is not supported; token is", pooling);
            goto done;
        }
    }
    TRY(config_bool(arguments, "class_token", true, &token));
    if (!token)
        st = status_fail(ERR_INPUT, config_file_path(f),
                         "\"model_args\": class_token false is not supported");
    out->headless = classes == 0;
    out->info.outputs = classes > 0 ? classes : 1;
done:
    return st;
}

static status read_widths(const config_file *arguments, const sizes *named, config *out)
{
    status st;
    model_info *i = &out->info;
    bool qkv_bias;
    TRY(config_int(arguments, "embed_dim", 1, VISION_MAX_WIDTH, named->hidden, &i->hidden_size));
    TRY(config_int(arguments, "depth", 1, VISION_MAX_LAYERS, named->layers, &i->layers));
    TRY(config_int(arguments, "num_heads", 1, VISION_MAX_WIDTH, named->heads, &i->heads));
    TRY(vision_mlp_width(arguments, (double)named->mlp / named->hidden, i));
    TRY(config_bool(arguments, "qkv_bias", true, &qkv_bias));
    TRY(config_heads(arguments, i->hidden_size, i->heads, &i->head_dim));
    i->kv_heads = i->heads;
    out->features = qkv_bias ? FEATURE_QKV_BIAS : 0;
done:
    return st;
}

// The parts that a file lacks are empty.
static status configure_parts(const config_file *f, const config_file *arguments,
                              const config_file *pretrained, config *out)
{
    status st;
    static const char *const unsupported[] = {"quantization_config"};
    const char *name = NULL;
    sizes named = {0};
    TRY(config_refuse(f, unsupported, sizeof unsupported / sizeof *unsupported));
    TRY(config_text(f, "architecture", NULL, &name));
    if (!read_name(name, &named)) {
        st = status_fail(
            ERR_INPUT, config_file_path(f),
            "\"architecture\": %.64s is not supported; of timm's, vit_SIZE_patchP_IMAGE "
            "and deit_SIZE[_distilled]_patchP_IMAGE are",
            name);
        goto done;
    }
    out->info.modality = MODALITY_IMAGE;
    TRY(check_arguments(f, config_file_get(f, "model_args")));
    TRY(read_widths(arguments, &named, out));
    TRY(read_image(arguments, pretrained, &named, out));
    TRY(read_answers(f, arguments, pretrained, out));
    out->act = activation_find("gelu");
    out->norm_eps = 1e-6;
    out->initializer_range = 0.02;
    out->features |= named.distilled ? FEATURE_TWO_HEADS : 0;
    TRY(vision_count_rows(f, named.distilled ? 2 : 1, out));
done:
    return st;
}

static status timm_configure(const config_file *f, config *out)
{
    status st;
    // What the preprocessing reads, and what changes nothing.
    static const char *const elsewhere[] = {"pretrained_cfg", "model_args", "num_features",
                                            "label_names",    "do_pooling", "label_descriptions",
                                            "interpolation",  "mean",       "std",
                                            "crop_pct",       "crop_mode",  "url",
                                            "first_conv",     "classifier", "pool_size",
                                            "hf_hub_id",      "input_size", "fixed_input_size"};
    config_file *arguments = NULL, *pretrained = NULL, *none = NULL;
    for (size_t i = 0; i < sizeof elsewhere / sizeof *elsewhere; i++)
        config_file_asked(f, elsewhere[i]);
    TRY(config_file_part(f, "model_args", &arguments));
    TRY(config_file_part(f, "pretrained_cfg", &pretrained)); // older files have its fields outside
    TRY(config_file_none(f, &none));
    TRY(configure_parts(f, arguments ? arguments : none, pretrained ? pretrained : f, out));
done:
    config_file_close(arguments);
    config_file_close(pretrained);
    config_file_close(none);
    return st;
}

const arch arch_timm = {
    .name = "timm",
    .model_types = (const char *const[]){"timm_wrapper", NULL},
    .configure = timm_configure,
    .tensors = &tensors,
    .second_output = vision_second_head,
    VISION_CLASSIFIER,
};
