// SPDX-License-Identifier: Apache-2.0
// One table of tensors serves the whole family: what a member lacks needs a FEATURE_ that its
// configuration does not set.
#include "model/arch/decoder.h"

#include <string.h>

#include "model/config/config_rotary.h"
#include "model/forward/blocks.h"
#include "model/forward/state.h"

enum { EMBEDDING, NORM, HEAD, GLOBALS };

static const tensor_def globals[GLOBALS] = {
    [EMBEDDING] = {"model.embed_tokens.weight",
                   {DIM_OUTPUTS, DIM_HIDDEN},
                   .init = INIT_EMBEDDING,
                   .rows = true,
                   .tied = true},
    [NORM] = {"model.norm.weight", {DIM_HIDDEN}, .init = INIT_ONES},
    [HEAD] = {"lm_head.weight",
              {DIM_OUTPUTS, DIM_HIDDEN},
              .init = INIT_NORMAL,
              .needs = FEATURE_OWN_HEAD},
};

static const tensor_form global_forms[GLOBALS] = {
    [EMBEDDING] = {.gguf = "token_embd.weight"},
    [NORM] = {.gguf = "output_norm.weight"},
    [HEAD] = {.gguf = "output.weight"},
};

enum {
    BEFORE,
    QUERY,
    QUERY_BIAS,
    QUERY_NORM,
    KEY,
    KEY_BIAS,
    KEY_NORM,
    VALUE,
    VALUE_BIAS,
    OUT,
    OUT_BIAS,
    AFTER,
    GATE,
    GATE_BIAS,
    UP,
    UP_BIAS,
    DOWN,
    DOWN_BIAS,
    PER_LAYER
};

#define LAYER "model.layers.%d."
#define ATTN  LAYER "self_attn."
#define MLP   LAYER "mlp."

static const tensor_def per_layer[PER_LAYER] = {
    [BEFORE] = {LAYER "input_layernorm.weight", {DIM_HIDDEN}, .init = INIT_ONES},
    [QUERY] = {ATTN "q_proj.weight", {DIM_ATTN, DIM_HIDDEN}, .init = INIT_NORMAL},
    [QUERY_BIAS] = {ATTN "q_proj.bias", {DIM_ATTN}, .init = INIT_ZEROS, .needs = FEATURE_QKV_BIAS},
    [QUERY_NORM] = {ATTN "q_norm.weight", {DIM_HEAD}, .init = INIT_ONES, .needs = FEATURE_QK_NORM},
    [KEY] = {ATTN "k_proj.weight", {DIM_KV, DIM_HIDDEN}, .init = INIT_NORMAL},
    [KEY_BIAS] = {ATTN "k_proj.bias", {DIM_KV}, .init = INIT_ZEROS, .needs = FEATURE_QKV_BIAS},
    [KEY_NORM] = {ATTN "k_norm.weight", {DIM_HEAD}, .init = INIT_ONES, .needs = FEATURE_QK_NORM},
    [VALUE] = {ATTN "v_proj.weight", {DIM_KV, DIM_HIDDEN}, .init = INIT_NORMAL},
    [VALUE_BIAS] = {ATTN "v_proj.bias", {DIM_KV}, .init = INIT_ZEROS, .needs = FEATURE_QKV_BIAS},
    [OUT] = {ATTN "o_proj.weight", {DIM_HIDDEN, DIM_ATTN}, .init = INIT_NORMAL},
    [OUT_BIAS] = {ATTN "o_proj.bias", {DIM_HIDDEN}, .init = INIT_ZEROS, .needs = FEATURE_O_BIAS},
    [AFTER] = {LAYER "post_attention_layernorm.weight", {DIM_HIDDEN}, .init = INIT_ONES},
    [GATE] = {MLP "gate_proj.weight", {DIM_MLP, DIM_HIDDEN}, .init = INIT_NORMAL},
    [GATE_BIAS] = {MLP "gate_proj.bias", {DIM_MLP}, .init = INIT_ZEROS, .needs = FEATURE_MLP_BIAS},
    [UP] = {MLP "up_proj.weight", {DIM_MLP, DIM_HIDDEN}, .init = INIT_NORMAL},
    [UP_BIAS] = {MLP "up_proj.bias", {DIM_MLP}, .init = INIT_ZEROS, .needs = FEATURE_MLP_BIAS},
    [DOWN] = {MLP "down_proj.weight", {DIM_HIDDEN, DIM_MLP}, .init = INIT_NORMAL},
    [DOWN_BIAS] = {MLP "down_proj.bias",
                   {DIM_HIDDEN},
                   .init = INIT_ZEROS,
                   .needs = FEATURE_MLP_BIAS},
};

#define BLOCK "blk.%d."

static const tensor_form layer_forms[PER_LAYER] = {
    [BEFORE] = {.gguf = BLOCK "attn_norm.weight"},
    [QUERY] = {.gguf = BLOCK "attn_q.weight", .in_gguf = LAYOUT_PAIRS},
    [QUERY_BIAS] = {.gguf = BLOCK "attn_q.bias", .in_gguf = LAYOUT_PAIRS},
    [QUERY_NORM] = {.gguf = BLOCK "attn_q_norm.weight"},
    [KEY] = {.gguf = BLOCK "attn_k.weight", .in_gguf = LAYOUT_PAIRS},
    [KEY_BIAS] = {.gguf = BLOCK "attn_k.bias", .in_gguf = LAYOUT_PAIRS},
    [KEY_NORM] = {.gguf = BLOCK "attn_k_norm.weight"},
    [VALUE] = {.gguf = BLOCK "attn_v.weight"},
    [VALUE_BIAS] = {.gguf = BLOCK "attn_v.bias"},
    [OUT] = {.gguf = BLOCK "attn_output.weight"},
    [OUT_BIAS] = {.gguf = BLOCK "attn_output.bias"},
    [AFTER] = {.gguf = BLOCK "ffn_norm.weight"},
    [GATE] = {.gguf = BLOCK "ffn_gate.weight"},
    [GATE_BIAS] = {.gguf = BLOCK "ffn_gate.bias"},
    [UP] = {.gguf = BLOCK "ffn_up.weight"},
    [UP_BIAS] = {.gguf = BLOCK "ffn_up.bias"},
    [DOWN] = {.gguf = BLOCK "ffn_down.weight"},
    [DOWN_BIAS] = {.gguf = BLOCK "ffn_down.bias"},
};

const tensor_table decoder_tensors = {globals, per_layer,    GLOBALS,     PER_LAYER,
                                      NORM,    global_forms, layer_forms, NULL};

status decoder_configure(const config_file *f, const char *task, int kv_heads, config *out)
{
    status st;
    // Relatives have these, and what they do would not be done.
    static const char *const unsupported[] = {
        "quantization_config",
        "attn_logit_softcapping",
        "final_logit_softcapping",
        "clip_qkv",
        "num_local_experts",
        "num_experts",
        "use_qk_norm",
        "qk_layernorm",
        "no_rope_layers",
        "query_pre_attn_scalar",
        "attention_multiplier",
        "embedding_multiplier",
        "residual_multiplier",
        "logits_scaling",
        "logit_scale",
    };
    enum {
        MAX_WIDTH = 1 << 17,
        MAX_LAYERS = 1000,
        MAX_VOCABULARY = 1 << 24,
        MAX_CONTEXT = 1 << 24
    };
    model_info *i = &out->info;
    bool tied;
    i->modality = MODALITY_TEXT;
    i->gated = true;
    TRY(config_task(f, task));
    TRY(config_refuse(f, unsupported, sizeof unsupported / sizeof *unsupported));
    TRY(config_int(f, "vocab_size", 1, MAX_VOCABULARY, CONFIG_REQUIRED, &i->outputs));
    TRY(config_int(f, "hidden_size", 1, MAX_WIDTH, CONFIG_REQUIRED, &i->hidden_size));
    TRY(config_int(f, "num_hidden_layers", 1, MAX_LAYERS, CONFIG_REQUIRED, &i->layers));
    TRY(config_int(f, "num_attention_heads", 1, MAX_WIDTH, CONFIG_REQUIRED, &i->heads));
    TRY(config_int(f, "num_key_value_heads", 1, MAX_WIDTH,
                   kv_heads && !config_has(f, "num_key_value_heads") ? kv_heads : i->heads,
                   &i->kv_heads));
    TRY(config_int(f, "intermediate_size", 1, 1 << 20, CONFIG_REQUIRED, &i->d_mlp));
    TRY(config_int(f, "max_position_embeddings", 1, MAX_CONTEXT, 2048, &i->context));
    TRY(config_heads(f, i->hidden_size, i->heads, &i->head_dim));
    TRY(config_activation(f, "hidden_act", "silu", &out->act));
    TRY(config_real(f, "rms_norm_eps", 0, 1, 1e-6, &out->norm_eps));
    TRY(config_real(f, "initializer_range", 0, 1e3, 0.02, &out->initializer_range));
    TRY(config_padding(f, i->outputs, &out->padding));
    TRY(config_bool(f, "tie_word_embeddings", false, &tied));
    if (i->heads % i->kv_heads != 0 || i->head_dim % 2 != 0)
        st = status_fail(ERR_INPUT, config_file_path(f),
                         "\"num_key_value_heads\" %d does not divide \"num_attention_heads\" %d, "
                         "or \"head_dim\" %d is odd",
                         i->kv_heads, i->heads, i->head_dim);
    else
        TRY(config_rotary(f, &(rotary_class){.theta = 10000}, i->head_dim, &out->rotary));
    out->features = tied ? 0 : FEATURE_OWN_HEAD;
done:
    return st;
}

static const float *layer_values(const model *m, int layer, int slot)
{
    return weights_layer(m->weights, layer, slot);
}

static linear layer_map(const model *m, int layer, int weight, int bias)
{
    return weights_linear(m->weights, layer, weight, bias);
}

mlp_weights decoder_mlp(const model *m, int layer)
{
    return (mlp_weights){
        .up = layer_map(m, layer, UP, UP_BIAS),
        .gate = layer_map(m, layer, GATE, GATE_BIAS),
        .down = layer_map(m, layer, DOWN, DOWN_BIAS),
        .act = m->config.act,
    };
}

linear decoder_output(const model *m)
{
    int slot = m->config.features & FEATURE_OWN_HEAD ? HEAD : EMBEDDING;
    return weights_linear(m->weights, -1, slot, -1);
}

status decoder_embed(pass *p)
{
    const model_info *i = &p->m->config.info;
    const float *table = weights_global(p->m->weights, EMBEDDING);
    const size_t hidden = (size_t)i->hidden_size;
    for (int64_t r = 0; r < p->rows; r++)
        memcpy(p->hidden + (size_t)r * hidden, table + (size_t)p->tile.ids[r] * hidden,
               hidden * sizeof *table);
    return OK;
}

status decoder_layer(pass *p, int l)
{
    status st;
    const model *m = p->m;
    const attention_weights a = {
        .q = layer_map(m, l, QUERY, QUERY_BIAS),
        .k = layer_map(m, l, KEY, KEY_BIAS),
        .v = layer_map(m, l, VALUE, VALUE_BIAS),
        .o = layer_map(m, l, OUT, OUT_BIAS),
        .q_norm = layer_values(m, l, QUERY_NORM),
        .k_norm = layer_values(m, l, KEY_NORM),
        .causal = true,
    };
    TRY(block_rms_norm(p, layer_values(m, l, BEFORE), l - 1, SITE_MLP));
    TRY(block_attention(p, l, &a));
    TRY(block_rms_norm(p, layer_values(m, l, AFTER), l, SITE_ATTN));
    TRY(block_mlp(p, l));
done:
    return st;
}

status decoder_finish(pass *p)
{
    return block_rms_norm(p, weights_global(p->m->weights, NORM), p->m->config.info.layers - 1,
                          SITE_MLP);
}
