// SPDX-License-Identifier: Apache-2.0
// GPT-NeoX (Pythia): LayerNorm, attention and MLP side by side or one after the other, queries,
// keys and values of each head together in one matrix, a part of each head rotated.
#include <string.h>

#include "model/config/config_rotary.h"
#include "model/config/config_text.h"
#include "model/families/decoder.h"
#include "model/families/prenorm.h"
#include "model/forward/state.h"

enum { EMBEDDING, NORM_WEIGHT, NORM_BIAS, HEAD, GLOBALS };

#define ROOT  "gpt_neox."
#define LAYER ROOT "layers.%d."
#define BLOCK "blk.%d."

static const tensor_def globals[GLOBALS] = {
    [EMBEDDING] = {ROOT "embed_in.weight",
                   {DIM_OUTPUTS, DIM_HIDDEN},
                   .init = INIT_EMBEDDING,
                   .rows = true,
                   .tied = true},
    [NORM_WEIGHT] = {ROOT "final_layer_norm.weight", {DIM_HIDDEN}, .init = INIT_ONES},
    [NORM_BIAS] = {ROOT "final_layer_norm.bias", {DIM_HIDDEN}, .init = INIT_ZEROS},
    [HEAD] = {"embed_out.weight",
              {DIM_OUTPUTS, DIM_HIDDEN},
              .init = INIT_NORMAL,
              .needs = FEATURE_OWN_HEAD,
              .head = true},
};

static const tensor_form global_forms[GLOBALS] = {
    [EMBEDDING] = {.gguf = "token_embd.weight"},
    [NORM_WEIGHT] = {.gguf = "output_norm.weight"},
    [NORM_BIAS] = {.gguf = "output_norm.bias"},
    [HEAD] = {.gguf = "output.weight"},
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

#define QKV LAYER "attention.query_key_value."

static const tensor_def per_layer[PER_LAYER] = {
    [BEFORE_WEIGHT] = {LAYER "input_layernorm.weight", {DIM_HIDDEN}, .init = INIT_ONES},
    [BEFORE_BIAS] = {LAYER "input_layernorm.bias", {DIM_HIDDEN}, .init = INIT_ZEROS},
    [QUERY_WEIGHT] = {QKV "weight", {DIM_ATTN, DIM_HIDDEN}, .init = INIT_NORMAL},
    [QUERY_BIAS] = {QKV "bias", {DIM_ATTN}, .init = INIT_ZEROS, .needs = FEATURE_QKV_BIAS},
    [KEY_WEIGHT] = {QKV "weight", {DIM_KV, DIM_HIDDEN}, .init = INIT_NORMAL},
    [KEY_BIAS] = {QKV "bias", {DIM_KV}, .init = INIT_ZEROS, .needs = FEATURE_QKV_BIAS},
    [VALUE_WEIGHT] = {QKV "weight", {DIM_KV, DIM_HIDDEN}, .init = INIT_NORMAL},
    [VALUE_BIAS] = {QKV "bias", {DIM_KV}, .init = INIT_ZEROS, .needs = FEATURE_QKV_BIAS},
    [OUT_WEIGHT] = {LAYER "attention.dense.weight", {DIM_HIDDEN, DIM_ATTN}, .init = INIT_NORMAL},
    [OUT_BIAS] = {LAYER "attention.dense.bias",
                  {DIM_HIDDEN},
                  .init = INIT_ZEROS,
                  .needs = FEATURE_O_BIAS},
    [AFTER_WEIGHT] = {LAYER "post_attention_layernorm.weight", {DIM_HIDDEN}, .init = INIT_ONES},
    [AFTER_BIAS] = {LAYER "post_attention_layernorm.bias", {DIM_HIDDEN}, .init = INIT_ZEROS},
    [UP_WEIGHT] = {LAYER "mlp.dense_h_to_4h.weight", {DIM_MLP, DIM_HIDDEN}, .init = INIT_NORMAL},
    [UP_BIAS] = {LAYER "mlp.dense_h_to_4h.bias", {DIM_MLP}, .init = INIT_ZEROS},
    [DOWN_WEIGHT] = {LAYER "mlp.dense_4h_to_h.weight", {DIM_HIDDEN, DIM_MLP}, .init = INIT_NORMAL},
    [DOWN_BIAS] = {LAYER "mlp.dense_4h_to_h.bias", {DIM_HIDDEN}, .init = INIT_ZEROS},
};

#define QKV_FORM(kind, n)                                                                          \
    {                                                                                              \
        .safetensors = LAYOUT_HEADS, .gguf = BLOCK "attn_qkv." kind, .in_gguf = LAYOUT_QKV,        \
        .part = (n)                                                                                \
    }

static const tensor_form layer_forms[PER_LAYER] = {
    [BEFORE_WEIGHT] = {.gguf = BLOCK "attn_norm.weight"},
    [BEFORE_BIAS] = {.gguf = BLOCK "attn_norm.bias"},
    [QUERY_WEIGHT] = QKV_FORM("weight", 0),
    [QUERY_BIAS] = QKV_FORM("bias", 0),
    [KEY_WEIGHT] = QKV_FORM("weight", 1),
    [KEY_BIAS] = QKV_FORM("bias", 1),
    [VALUE_WEIGHT] = QKV_FORM("weight", 2),
    [VALUE_BIAS] = QKV_FORM("bias", 2),
    [OUT_WEIGHT] = {.gguf = BLOCK "attn_output.weight"},
    [OUT_BIAS] = {.gguf = BLOCK "attn_output.bias"},
    [AFTER_WEIGHT] = {.gguf = BLOCK "ffn_norm.weight"},
    [AFTER_BIAS] = {.gguf = BLOCK "ffn_norm.bias"},
    [UP_WEIGHT] = {.gguf = BLOCK "ffn_up.weight"},
    [UP_BIAS] = {.gguf = BLOCK "ffn_up.bias"},
    [DOWN_WEIGHT] = {.gguf = BLOCK "ffn_down.weight"},
    [DOWN_BIAS] = {.gguf = BLOCK "ffn_down.bias"},
};

static const tensor_table tensors = {
    .globals = globals,
    .layer = per_layer,
    .n_globals = GLOBALS,
    .n_layer = PER_LAYER,
    .n_embedding = NORM_WEIGHT,
    .global_forms = global_forms,
    .layer_forms = layer_forms,
    .prefix = ROOT,
};

static status gptneox_configure(const config_file *f, config *out)
{
    status st;
    static const text_class class = {
        .task = "GPTNeoXForCausalLM",
        .vocabulary = {NULL, 50432},
        .hidden = {NULL, 6144},
        .layers = {NULL, 44},
        .heads = {NULL, 64},
        .mlp = {NULL, 24576},
        .context = {NULL, 2048},
        .act = "gelu",
        .eps_key = "layer_norm_eps",
        .eps = 1e-5,
    };
    const rotary_class turned = {
        // GGUF files say rope_theta
        10000, 0.25, config_has(f, "rotary_emb_base") ? "rotary_emb_base" : NULL, "rotary_pct"};
    bool attention_bias;
    TRY(config_text_model(f, &class, out));
    TRY(config_rotary(f, &turned, out->info.head_dim, &out->rotary));
    TRY(config_bool(f, "use_parallel_residual", true, &out->parallel));
    TRY(config_bool(f, "attention_bias", true, &attention_bias));
    if (out->info.kv_heads != out->info.heads)
        st = status_fail(ERR_INPUT, config_file_path(f),
                         "\"num_key_value_heads\" is not supported in this model");
    out->info.apart = out->parallel;
    out->features |= attention_bias ? FEATURE_QKV_BIAS | FEATURE_O_BIAS : 0;
done:
    return st;
}

static linear gptneox_output(const model *m)
{
    int slot = m->config.features & FEATURE_OWN_HEAD ? HEAD : EMBEDDING;
    return weights_linear(m->weights, -1, slot, -1);
}

static status gptneox_layer(pass *p, int l)
{
    const weights *w = p->m->weights;
    return prenorm_layer(p, l,
                         (attention_weights){
                             .q = weights_linear(w, l, QUERY_WEIGHT, QUERY_BIAS),
                             .k = weights_linear(w, l, KEY_WEIGHT, KEY_BIAS),
                             .v = weights_linear(w, l, VALUE_WEIGHT, VALUE_BIAS),
                             .causal = true,
                         });
}

const arch arch_gptneox = {
    .name = "gptneox",
    .model_types = (const char *const[]){"gpt_neox", "gptneox", NULL},
    .input_files = (const char *const[]){"tokenizer.json", NULL},
    .configure = gptneox_configure,
    .tensors = &tensors,
    .mlp = prenorm_mlp,
    .output = gptneox_output,
    .embed = decoder_embed,
    .layer = gptneox_layer,
    .finish = prenorm_finish,
};
