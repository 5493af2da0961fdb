// SPDX-License-Identifier: Apache-2.0
// Vision transformers: Hugging Face's ViTForImageClassification. Pre-norm, CLS token first, learned
// positions. Patches do not overlap, so their convolution is a product of rows of pixels.
#include <string.h>

#include "model/arch/prenorm.h"
#include "model/forward/state.h"
#include "model/kernels/kernels.h"

enum {
    CLS,
    POSITIONS,
    PATCH_WEIGHT,
    PATCH_BIAS,
    NORM_WEIGHT,
    NORM_BIAS,
    OUTPUT_WEIGHT,
    OUTPUT_BIAS,
    GLOBALS
};

static const tensor_def globals[GLOBALS] = {
    [CLS] = {"vit.embeddings.cls_token",
             {DIM_ONE, DIM_ONE, DIM_HIDDEN},
             .init = INIT_TRUNC_NORMAL,
             .rows = true},
    [POSITIONS] = {"vit.embeddings.position_embeddings",
                   {DIM_ONE, DIM_POSITIONS, DIM_HIDDEN},
                   .init = INIT_TRUNC_NORMAL,
                   .rows = true},
    [PATCH_WEIGHT] = {"vit.embeddings.patch_embeddings.projection.weight",
                      {DIM_HIDDEN, DIM_CHANNELS, DIM_PATCH_HEIGHT, DIM_PATCH_WIDTH},
                      .init = INIT_NORMAL},
    [PATCH_BIAS] = {"vit.embeddings.patch_embeddings.projection.bias",
                    {DIM_HIDDEN},
                    .init = INIT_ZEROS},
    [NORM_WEIGHT] = {"vit.layernorm.weight", {DIM_HIDDEN}, .init = INIT_ONES},
    [NORM_BIAS] = {"vit.layernorm.bias", {DIM_HIDDEN}, .init = INIT_ZEROS},
    [OUTPUT_WEIGHT] = {"classifier.weight",
                       {DIM_OUTPUTS, DIM_HIDDEN},
                       .init = INIT_NORMAL,
                       .head = true},
    [OUTPUT_BIAS] = {"classifier.bias", {DIM_OUTPUTS}, .init = INIT_ZEROS, .head = true},
};

enum {
    QUERY_WEIGHT = PRENORM_TENSORS,
    QUERY_BIAS,
    KEY_WEIGHT,
    KEY_BIAS,
    VALUE_WEIGHT,
    VALUE_BIAS,
    PER_LAYER
};

#define LAYER "vit.encoder.layer.%d."
#define QKV   LAYER "attention.attention."

static const tensor_def per_layer[PER_LAYER] = {
    [BEFORE_WEIGHT] = {LAYER "layernorm_before.weight", {DIM_HIDDEN}, .init = INIT_ONES},
    [BEFORE_BIAS] = {LAYER "layernorm_before.bias", {DIM_HIDDEN}, .init = INIT_ZEROS},
    [QUERY_WEIGHT] = {QKV "query.weight", {DIM_ATTN, DIM_HIDDEN}, .init = INIT_NORMAL},
    [QUERY_BIAS] = {QKV "query.bias", {DIM_ATTN}, .init = INIT_ZEROS, .needs = FEATURE_QKV_BIAS},
    [KEY_WEIGHT] = {QKV "key.weight", {DIM_ATTN, DIM_HIDDEN}, .init = INIT_NORMAL},
    [KEY_BIAS] = {QKV "key.bias", {DIM_ATTN}, .init = INIT_ZEROS, .needs = FEATURE_QKV_BIAS},
    [VALUE_WEIGHT] = {QKV "value.weight", {DIM_ATTN, DIM_HIDDEN}, .init = INIT_NORMAL},
    [VALUE_BIAS] = {QKV "value.bias", {DIM_ATTN}, .init = INIT_ZEROS, .needs = FEATURE_QKV_BIAS},
    [OUT_WEIGHT] = {LAYER "attention.output.dense.weight",
                    {DIM_HIDDEN, DIM_ATTN},
                    .init = INIT_NORMAL},
    [OUT_BIAS] = {LAYER "attention.output.dense.bias", {DIM_HIDDEN}, .init = INIT_ZEROS},
    [AFTER_WEIGHT] = {LAYER "layernorm_after.weight", {DIM_HIDDEN}, .init = INIT_ONES},
    [AFTER_BIAS] = {LAYER "layernorm_after.bias", {DIM_HIDDEN}, .init = INIT_ZEROS},
    [UP_WEIGHT] = {LAYER "intermediate.dense.weight", {DIM_MLP, DIM_HIDDEN}, .init = INIT_NORMAL},
    [UP_BIAS] = {LAYER "intermediate.dense.bias", {DIM_MLP}, .init = INIT_ZEROS},
    [DOWN_WEIGHT] = {LAYER "output.dense.weight", {DIM_HIDDEN, DIM_MLP}, .init = INIT_NORMAL},
    [DOWN_BIAS] = {LAYER "output.dense.bias", {DIM_HIDDEN}, .init = INIT_ZEROS},
};

static status vit_configure(const config_file *f, config *out)
{
    status st;
    static const char *const unsupported[] = {"quantization_config", "pruned_heads"};
    enum { MAX_WIDTH = 1 << 16, MAX_LAYERS = 1000, MAX_IMAGE = 1 << 13, MAX_ROWS = 1 << 16 };
    model_info *i = &out->info;
    bool qkv_bias;
    i->modality = MODALITY_IMAGE;
    TRY(config_task(f, "ViTForImageClassification", out));
    TRY(config_refuse(f, unsupported, sizeof unsupported / sizeof *unsupported));
    TRY(config_int(f, "hidden_size", 1, MAX_WIDTH, 768, &i->hidden_size));
    TRY(config_int(f, "num_hidden_layers", 1, MAX_LAYERS, 12, &i->layers));
    TRY(config_int(f, "num_attention_heads", 1, MAX_WIDTH, 12, &i->heads));
    TRY(config_int(f, "intermediate_size", 1, MAX_WIDTH, 3072, &i->d_mlp));
    TRY(config_activation(f, "hidden_act", "gelu", &out->act));
    TRY(config_real(f, "layer_norm_eps", 0, 1, 1e-12, &out->norm_eps));
    TRY(config_real(f, "initializer_range", 0, 1e3, 0.02, &out->initializer_range));
    TRY(config_size(f, "image_size", 1, MAX_IMAGE, 224, &i->image_height, &i->image_width));
    TRY(config_size(f, "patch_size", 1, MAX_IMAGE, 16, &out->patch_height, &out->patch_width));
    TRY(config_int(f, "num_channels", 1, 1024, 3, &i->channels));
    TRY(config_bool(f, "qkv_bias", true, &qkv_bias));
    TRY(config_labels(f, &i->outputs));
    TRY(config_heads(f, i->hidden_size, i->heads, &i->head_dim));
    i->kv_heads = i->heads;
    out->features = qkv_bias ? FEATURE_QKV_BIAS : 0;
    // A rest at the right or lower edge is not looked at, as in the framework's convolution.
    int64_t patches =
        (int64_t)(i->image_height / out->patch_height) * (i->image_width / out->patch_width);
    if (patches < 1 || patches >= MAX_ROWS) {
        st =
            status_fail(ERR_INPUT, config_file_path(f),
                        "\"image_size\" and \"patch_size\" make %lld patches; 1 to %d are possible",
                        (long long)patches, MAX_ROWS - 1);
        goto done;
    }
    i->rows_per_image = (int)patches + 1;
done:
    return st;
}

static linear vit_output(const model *m)
{
    return weights_linear(m->weights, -1, OUTPUT_WEIGHT, OUTPUT_BIAS);
}

// Row `patch` + 1 of an image's rows in `to`: the patch's pixels in the order of the projection's
// weights. Row 0, of the CLS token, is zero, so that one product serves the tile.
static void lay_out_patches(const config *c, const float *pixels, float *to)
{
    const model_info *i = &c->info;
    const int across = i->image_width / c->patch_width;
    const size_t width = (size_t)i->channels * (size_t)c->patch_height * (size_t)c->patch_width;
    kernel_fill_rows(NULL, 1, (int)width, 0, to);
    to += width;
    for (int patch = 0; patch < i->rows_per_image - 1; patch++) {
        int top = patch / across * c->patch_height, left = patch % across * c->patch_width;
        for (int channel = 0; channel < i->channels; channel++)
            for (int y = top; y < top + c->patch_height; y++, to += c->patch_width)
                memcpy(to,
                       pixels +
                           ((size_t)channel * (size_t)i->image_height + (size_t)y) *
                               (size_t)i->image_width +
                           left,
                       (size_t)c->patch_width * sizeof *to);
    }
}

static status vit_embed(pass *p)
{
    status st;
    const config *c = &p->m->config;
    const model_info *i = &c->info;
    const int rows = i->rows_per_image, hidden = i->hidden_size;
    const int width = i->channels * c->patch_height * c->patch_width;
    const size_t image = (size_t)i->channels * (size_t)i->image_height * (size_t)i->image_width;
    const linear projection = weights_linear(p->m->weights, -1, PATCH_WEIGHT, PATCH_BIAS);
    for (int64_t s = 0; s < p->tile.samples; s++)
        lay_out_patches(c, p->tile.pixels + (size_t)s * image,
                        p->patches + s * rows * (int64_t)width);
    const operand x =
        linear_operand(p->products, p->m->packing, p->patches, width, p->rows, width, p->site_copy);
    TRY(linear_apply(p->products, &projection, &x, NULL, p->hidden, hidden));
    for (int64_t s = 0; s < p->tile.samples; s++) {
        float *first = p->hidden + s * rows * hidden;
        kernel_fill_rows(weights_global(p->m->weights, CLS), 1, hidden, hidden, first);
        kernel_add_rows(weights_global(p->m->weights, POSITIONS), 1, rows * hidden, first);
    }
done:
    return st;
}

static status vit_layer(pass *p, int l)
{
    const weights *w = p->m->weights;
    return prenorm_layer(p, l,
                         (attention_weights){
                             .q = weights_linear(w, l, QUERY_WEIGHT, QUERY_BIAS),
                             .k = weights_linear(w, l, KEY_WEIGHT, KEY_BIAS),
                             .v = weights_linear(w, l, VALUE_WEIGHT, VALUE_BIAS),
                         });
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
    .n_globals = GLOBALS,
    .n_layer = PER_LAYER,
    .n_embedding = NORM_WEIGHT,
    .prefix = "vit.",
    .other_names = other_names,
};

const arch arch_vit = {
    .name = "vit",
    .model_types = (const char *const[]){"vit", NULL},
    .input_files = (const char *const[]){"preprocessor_config.json", NULL},
    .configure = vit_configure,
    .tensors = &tensors,
    .mlp = prenorm_mlp,
    .output = vit_output,
    .embed = vit_embed,
    .layer = vit_layer,
    .finish = prenorm_finish,
};
