// SPDX-License-Identifier: Apache-2.0
// Patches do not overlap, so their convolution is a product of rows of pixels: one for a tile, with
// rows of zeros where tokens come.
#include "model/families/vision.h"

#include <string.h>

#include "model/families/positions.h"
#include "model/forward/state.h"
#include "model/kernels/kernels.h"

const char *const vision_input_files[] = {"preprocessor_config.json",
                                          "LOC_synset_mapping.txt",
                                          "synset_words.txt",
                                          "imagenet_class_index.json",
                                          "words.txt",
                                          NULL};

status vision_mlp_width(const config_file *f, double missing, model_info *i)
{
    status st;
    double ratio = missing;
    TRY(config_real(f, "mlp_ratio", 1e-3, 1e3, missing, &ratio));
    i->d_mlp = (int)(i->hidden_size * ratio);
    if (i->d_mlp < 1 || i->d_mlp > VISION_MAX_WIDTH)
        st = status_fail(ERR_INPUT, config_file_path(f), "\"mlp_ratio\" %g makes a width of %d",
                         ratio, i->d_mlp);
done:
    return st;
}

// Any class of the family, of a model whose answers are not looked at.
static status check_family(const config_file *f, const char *family)
{
    const char *class = config_class(f);
    if (!class || strncmp(class, family, strlen(family)) == 0)
        return OK;
    return status_fail(ERR_INPUT, config_file_path(f),
                       "\"architectures\" says %.64s; a class of %s is needed", class, family);
}

status vision_count_rows(const config_file *f, int tokens, config *out)
{
    // A rest at the right or lower edge is not looked at, as in the framework's convolution.
    const int patches = config_patches(out); // of at most VISION_MAX_IMAGE in both directions
    if (patches < 1 || patches >= VISION_MAX_ROWS)
        return status_fail(
            ERR_INPUT, config_file_path(f),
            "\"image_size\" and \"patch_size\" make %d patches; 1 to %d are possible", patches,
            VISION_MAX_ROWS - 1);
    out->info.rows_per_image = patches + tokens;
    return OK;
}

status vision_configure(const config_file *f, const vision_class *class, config *out)
{
    status st;
    static const char *const unsupported[] = {"quantization_config", "pruned_heads"};
    model_info *i = &out->info;
    bool qkv_bias;
    i->modality = MODALITY_IMAGE;
    if (class->headless)
        TRY(check_family(f, class->task));
    else
        TRY(config_task(f, class->task, out));
    TRY(config_refuse(f, unsupported, sizeof unsupported / sizeof *unsupported));
    TRY(config_int(f, "hidden_size", 1, VISION_MAX_WIDTH, 768, &i->hidden_size));
    TRY(config_int(f, "num_hidden_layers", 1, VISION_MAX_LAYERS, 12, &i->layers));
    TRY(config_int(f, "num_attention_heads", 1, VISION_MAX_WIDTH, 12, &i->heads));
    if (class->ratio)
        TRY(vision_mlp_width(f, 4, i));
    else
        TRY(config_int(f, "intermediate_size", 1, VISION_MAX_WIDTH, 3072, &i->d_mlp));
    TRY(config_activation(f, "hidden_act", class->act, &out->act));
    TRY(config_real(f, "layer_norm_eps", 0, 1, class->eps, &out->norm_eps));
    TRY(config_real(f, "initializer_range", 0, 1e3, 0.02, &out->initializer_range));
    TRY(config_size(f, "image_size", 1, VISION_MAX_IMAGE, 224, &i->image_height, &i->image_width));
    TRY(config_size(f, "patch_size", 1, VISION_MAX_IMAGE, class->patch, &out->patch_height,
                    &out->patch_width));
    TRY(config_int(f, "num_channels", 1, 1024, 3, &i->channels));
    TRY(config_bool(f, "qkv_bias", true, &qkv_bias));
    TRY(config_labels(f, &i->outputs));
    TRY(config_real(f, "initializer_factor", 0, 1e3, 1, &out->init_factor));
    TRY(config_heads(f, i->hidden_size, i->heads, &i->head_dim));
    i->kv_heads = i->heads;
    out->headless = out->headless || class->headless;
    out->features = qkv_bias ? FEATURE_QKV_BIAS : 0;
    TRY(vision_count_rows(f, class->tokens, out));
done:
    return st;
}

status vision_configure_part(const config_file *f, const vision_class *class, config *out)
{
    status st;
    config_file *part = NULL;
    TRY(check_family(f, class->task));
    TRY(config_file_part(f, "vision_config", &part));
    TRY(vision_configure(part ? part : f, class, out));
    config_file_asked(f, "text_config"); // the tower beside it
    config_file_asked(f, "text_config_dict");
    if (part)
        config_file_note_unread(part);
done:
    config_file_close(part);
    return st;
}

// An image's rows in `to`: those of tokens zero, each other one a patch's pixels in the order of
// the projection's weights.
static void lay_out_patches(const config *c, int patches, const float *pixels, float *to)
{
    const model_info *i = &c->info;
    const int across = i->image_width / c->patch_width;
    const size_t width = (size_t)i->channels * (size_t)c->patch_height * (size_t)c->patch_width;
    for (int row = 0; row < i->rows_per_image - patches; row++, to += width)
        kernel_fill_rows(NULL, 1, (int)width, 0, to);
    for (int patch = 0; patch < patches; patch++) {
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

// Tokens and positions of an image whose rows begin at `first`.
static void add_tokens(const config *c, const vision_embedding *e, float *first)
{
    const int hidden = c->info.hidden_size, registers = c->registers;
    int tokens = 0;
    for (; tokens < 2 && e->token[tokens]; tokens++)
        kernel_fill_rows(e->token[tokens], 1, hidden, hidden, first + tokens * hidden);
    float *behind = first + (tokens + registers) * hidden; // the patches
    if (registers > 0)
        kernel_fill_rows(e->registers, 1, registers * hidden, 0, first + tokens * hidden);
    if (c->grid > 0) {
        kernel_add_rows(e->positions, 1, tokens * hidden, first);
    } else if (registers > 0) {
        kernel_add_rows(e->positions, 1, tokens * hidden, first);
        kernel_add_rows(e->positions + tokens * hidden, 1,
                        (c->info.rows_per_image - tokens - registers) * hidden, behind);
    } else {
        kernel_add_rows(e->positions, 1, c->info.rows_per_image * hidden, first);
    }
}

// Adds the patches' resampled positions: each is made once, for all images of the tile.
static void add_resampled(pass *p, const vision_embedding *e)
{
    const config *c = &p->m->config;
    const int hidden = c->info.hidden_size, rows = c->info.rows_per_image;
    const resampling down = {c->grid, c->info.image_height / c->patch_height, c->antialiased};
    const resampling across = {c->grid, c->info.image_width / c->patch_width, c->antialiased};
    const int before = rows - config_patches(c);
    const float *table = e->positions + (int64_t)(before - c->registers) * hidden;
    float *own = p->normed, down_weight[POSITION_TAPS], across_weight[POSITION_TAPS];
    int down_at[POSITION_TAPS], across_at[POSITION_TAPS];
    for (int y = 0; y < down.to; y++)
        for (int x = 0; x < across.to; x++) {
            const int n = positions_taps(&down, y, down_at, down_weight);
            const int m = positions_taps(&across, x, across_at, across_weight);
            kernel_fill_rows(NULL, 1, hidden, hidden, own);
            for (int k = 0; k < n * m; k++) {
                const float *from =
                    table + ((int64_t)down_at[k / m] * c->grid + across_at[k % m]) * hidden;
                const float weight = down_weight[k / m] * across_weight[k % m];
                for (int h = 0; h < hidden; h++)
                    own[h] += weight * from[h];
            }
            for (int64_t s = 0; s < p->tile.samples; s++)
                kernel_add_rows(own, 1, hidden,
                                p->hidden + (s * rows + before + y * across.to + x) * hidden);
        }
}

status vision_embed(pass *p, const vision_embedding *e)
{
    status st;
    const config *c = &p->m->config;
    const model_info *i = &c->info;
    const int rows = i->rows_per_image, hidden = i->hidden_size;
    const int width = i->channels * c->patch_height * c->patch_width;
    const int patches = config_patches(c);
    const size_t image = (size_t)i->channels * (size_t)i->image_height * (size_t)i->image_width;
    for (int64_t s = 0; s < p->tile.samples; s++)
        lay_out_patches(c, patches, p->tile.pixels + (size_t)s * image,
                        p->patches + s * rows * (int64_t)width);
    const operand x =
        linear_operand(p->products, p->m->packing, p->patches, width, p->rows, width, p->site_copy);
    TRY(linear_apply(p->products, &e->projection, &x, NULL, p->hidden, hidden));
    for (int64_t s = 0; s < p->tile.samples; s++)
        add_tokens(c, e, p->hidden + s * rows * hidden);
    if (c->grid > 0)
        add_resampled(p, e);
done:
    return st;
}

status vision_embed_classified(pass *p)
{
    const weights *w = p->m->weights;
    return vision_embed(
        p, &(vision_embedding){
               .projection = weights_linear(w, -1, VISION_PATCH_WEIGHT, VISION_PATCH_BIAS),
               .token = {weights_global(w, VISION_CLS), weights_global(w, VISION_DISTILLATION)},
               .positions = weights_global(w, VISION_POSITIONS),
           });
}

linear vision_head(const model *m)
{
    return weights_linear(m->weights, -1, VISION_OUTPUT_WEIGHT, VISION_OUTPUT_BIAS);
}

linear vision_second_head(const model *m)
{
    return weights_linear(m->weights, -1, VISION_SECOND_WEIGHT, VISION_SECOND_BIAS);
}

mlp_weights vision_mlp(const model *m, int l, int expert)
{
    const weights *w = m->weights;
    mlp_weights mlp = prenorm_mlp(m, l, expert);
    if (m->config.info.gated) {
        mlp.gate = weights_linear(w, l, VISION_GATE_WEIGHT, VISION_GATE_BIAS);
        mlp.up = weights_linear(w, l, VISION_GATED_UP_WEIGHT, VISION_GATED_UP_BIAS);
        mlp.down = weights_linear(w, l, VISION_GATED_DOWN_WEIGHT, VISION_GATED_DOWN_BIAS);
    }
    mlp.then.scale = weights_layer(w, l, VISION_SCALE_MLP);
    return mlp;
}

linear vision_output(const model *m)
{
    (void)m;
    return (linear){0};
}

status vision_layer(pass *p, int l)
{
    const weights *w = p->m->weights;
    return prenorm_layer(p, l,
                         (attention_weights){
                             .q = weights_linear(w, l, VISION_QUERY_WEIGHT, VISION_QUERY_BIAS),
                             .k = weights_linear(w, l, VISION_KEY_WEIGHT, VISION_KEY_BIAS),
                             .v = weights_linear(w, l, VISION_VALUE_WEIGHT, VISION_VALUE_BIAS),
                             .then.scale = weights_layer(w, l, VISION_SCALE_ATTN),
                         });
}
