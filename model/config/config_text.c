// SPDX-License-Identifier: Apache-2.0
// Every class of transformers leaves out what is its default, and many have names of their own: so
// a class is a table, and the reading is written once.
#include "model/config/config_text.h"

enum { MAX_WIDTH = 1 << 17, MAX_MLP = 1 << 20, MAX_LAYERS = 1000, MAX_TOKENS = 1 << 24 };

static status read_length(const config_file *f, text_length own, const char *common, int high,
                          int *out)
{
    return config_int(f, own.key && config_has(f, own.key) ? own.key : common, 1, high, own.missing,
                      out);
}

// The class's own width of heads, where the file has none.
static status read_heads(const config_file *f, const text_class *class, model_info *i)
{
    status st;
    TRY(config_int(f, "num_key_value_heads", 1, MAX_WIDTH,
                   class->kv_heads && !config_has(f, "num_key_value_heads") ? class->kv_heads
                                                                            : i->heads,
                   &i->kv_heads));
    TRY(config_head_dim(f, i->hidden_size, i->heads, class->head_dim, &i->head_dim));
    if (i->heads % i->kv_heads != 0)
        st = status_fail(ERR_INPUT, config_file_path(f),
                         "\"num_key_value_heads\" %d does not divide \"num_attention_heads\" %d",
                         i->kv_heads, i->heads);
done:
    return st;
}

// GGUF files have one name for LayerNorm's; in a config.json that is a field of other classes.
static const char *eps_key(const config_file *f, const text_class *class)
{
    return config_file_is_gguf(f) && !config_has(f, class->eps_key) ? "layer_norm_epsilon"
                                                                    : class->eps_key;
}

status config_text_model(const config_file *f, const text_class *class, config *out)
{
    status st;
    static const char *const unsupported[] = {"quantization_config", "pruned_heads",
                                              "add_cross_attention"};
    model_info *i = &out->info;
    bool tied;
    i->modality = MODALITY_TEXT;
    TRY(config_task(f, class->task, out));
    TRY(config_refuse(f, unsupported, sizeof unsupported / sizeof *unsupported));
    TRY(read_length(f, class->vocabulary, "vocab_size", MAX_TOKENS, &i->outputs));
    TRY(read_length(f, class->hidden, "hidden_size", MAX_WIDTH, &i->hidden_size));
    TRY(read_length(f, class->layers, "num_hidden_layers", MAX_LAYERS, &i->layers));
    TRY(read_length(f, class->heads, "num_attention_heads", MAX_WIDTH, &i->heads));
    TRY(read_length(f, class->mlp, "intermediate_size", MAX_MLP, &i->d_mlp));
    TRY(read_length(f, class->context, "max_position_embeddings", MAX_TOKENS, &i->context));
    TRY(read_heads(f, class, i));
    TRY(config_activation(f, class->act_key ? class->act_key : "hidden_act", class->act,
                          &out->act));
    out->norm_eps = class->eps;
    if (class->eps_key)
        TRY(config_real(f, eps_key(f, class), 0, 1, class->eps, &out->norm_eps));
    TRY(config_real(f, class->range_key ? class->range_key : "initializer_range", 0, 1e3, 0.02,
                    &out->initializer_range));
    TRY(config_padding(f, i->outputs, &out->padding));
    TRY(config_bool(f, "tie_word_embeddings", class->tied, &tied));
    out->features = tied ? 0 : FEATURE_OWN_HEAD;
done:
    return st;
}
