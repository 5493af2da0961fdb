// SPDX-License-Identifier: Apache-2.0
// What a class says and where it puts its tensors differ; what images become, and the layers, do not.
#include "model/families/vision.h"

#include <string.h>

#include "model/families/positions.h"
#include "model/forward/blocks.h"
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

// What an image's tokens, and its positions, are made of.
typedef struct places {
    const config *config;
    const vision_embedding *embedding;
    int tokens; // without registers
} places;

// The position of a patch, of those resampled.
static void resample_position(const places *s, int patch, float *out)
{
    const config *c = s->config;
    const int hidden = c->info.hidden_size;
    const resampling down = {c->grid, c->info.image_height / c->patch_height, c->antialiased};
    const resampling across = {c->grid, c->info.image_width / c->patch_width, c->antialiased};
    const float *table = s->embedding->positions + (int64_t)s->tokens * hidden;
    float down_weight[POSITION_TAPS], across_weight[POSITION_TAPS];
    int down_at[POSITION_TAPS], across_at[POSITION_TAPS];
    const int n = positions_taps(&down, patch / across.to, down_at, down_weight);
    const int m = positions_taps(&across, patch % across.to, across_at, across_weight);
    kernel_fill_rows(NULL, 1, hidden, hidden, out);
    for (int k = 0; k < n * m; k++) {
        const float *from = table + ((int64_t)down_at[k / m] * c->grid + across_at[k % m]) * hidden;
        const float weight = down_weight[k / m] * across_weight[k % m];
        for (int h = 0; h < hidden; h++)
            out[h] += weight * from[h];
    }
}

// A row of every image: a token with its position, a register, or a patch's position.
static void make_place(const void *context, int row, float *out)
{
    const places *s = context;
    const config *c = s->config;
    const vision_embedding *e = s->embedding;
    const int64_t hidden = c->info.hidden_size, before = s->tokens + c->registers;
    const size_t bytes = (size_t)hidden * sizeof *out;
    if (row < s->tokens) {
        memcpy(out, e->token[row], bytes);
        kernel_add_rows(e->positions + row * hidden, 1, (int)hidden, out);
    } else if (row < before) {
        memcpy(out, e->registers + (row - s->tokens) * hidden, bytes);
    } else if (c->grid > 0) {
        resample_position(s, (int)(row - before), out);
    } else {
        memcpy(out, e->positions + (row - c->registers) * hidden, bytes);
    }
}

status vision_embed(pass *p, const vision_embedding *e)
{
    status st;
    places s = {&p->m->config, e, 0};
    while (s.tokens < 2 && e->token[s.tokens])
        s.tokens++;
    TRY(block_embed_patches(p, &e->projection));
    TRY(block_add_places(p, &(place_table){make_place, &s, s.tokens + s.config->registers}));
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
