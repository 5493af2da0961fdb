// SPDX-License-Identifier: Apache-2.0
// Phi-1, 1.5 and 2: one LayerNorm a layer, which attention and MLP both read, side by side; biases
// everywhere, that of the head too; a part of each head rotated.
#include "model/config/config_rotary.h"
#include "model/config/config_text.h"
#include "model/families/decoder.h"
#include "model/families/prenorm.h"
#include "model/forward/state.h"

enum { EMBEDDING, NORM_WEIGHT, NORM_BIAS, HEAD_WEIGHT, HEAD_BIAS, GLOBALS };

#define LAYER DECODER_LAYER
#define ATTN  DECODER_ATTN
#define BLOCK DECODER_BLOCK

static const tensor_def globals[GLOBALS] = {
    [EMBEDDING] = {"model.embed_tokens.weight",
                   {DIM_OUTPUTS, DIM_HIDDEN},
                   .init = INIT_EMBEDDING,
                   .rows = true,
                   .tied = true},
    [NORM_WEIGHT] = {"model.final_layernorm.weight", {DIM_HIDDEN}, .init = INIT_ONES},
    [NORM_BIAS] = {"model.final_layernorm.bias", {DIM_HIDDEN}, .init = INIT_ZEROS},
    [HEAD_WEIGHT] = {"lm_head.weight",
                     {DIM_OUTPUTS, DIM_HIDDEN},
                     .init = INIT_NORMAL,
                     .needs = FEATURE_OWN_HEAD,
                     .head = true},
    [HEAD_BIAS] = {"lm_head.bias", {DIM_OUTPUTS}, .init = INIT_ZEROS, .head = true},
};

static const tensor_form global_forms[GLOBALS] = {
    [EMBEDDING] = {.gguf = "token_embd.weight"}, [NORM_WEIGHT] = {.gguf = "output_norm.weight"},
    [NORM_BIAS] = {.gguf = "output_norm.bias"},  [HEAD_WEIGHT] = {.gguf = "output.weight"},
    [HEAD_BIAS] = {.gguf = "output.bias"},
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

static const tensor_def per_layer[PER_LAYER] = {
    [BEFORE_WEIGHT] = {LAYER "input_layernorm.weight", {DIM_HIDDEN}, .init = INIT_ONES},
    [BEFORE_BIAS] = {LAYER "input_layernorm.bias", {DIM_HIDDEN}, .init = INIT_ZEROS},
    [QUERY_WEIGHT] = {ATTN "q_proj.weight", {DIM_ATTN, DIM_HIDDEN}, .init = INIT_NORMAL},
    [QUERY_BIAS] = {ATTN "q_proj.bias", {DIM_ATTN}, .init = INIT_ZEROS},
    [KEY_WEIGHT] = {ATTN "k_proj.weight", {DIM_KV, DIM_HIDDEN}, .init = INIT_NORMAL},
    [KEY_BIAS] = {ATTN "k_proj.bias", {DIM_KV}, .init = INIT_ZEROS},
    [VALUE_WEIGHT] = {ATTN "v_proj.weight", {DIM_KV, DIM_HIDDEN}, .init = INIT_NORMAL},
    [VALUE_BIAS] = {ATTN "v_proj.bias", {DIM_KV}, .init = INIT_ZEROS},
    [OUT_WEIGHT] = {ATTN "dense.weight", {DIM_HIDDEN, DIM_ATTN}, .init = INIT_NORMAL},
    [OUT_BIAS] = {ATTN "dense.bias", {DIM_HIDDEN}, .init = INIT_ZEROS},
    [UP_WEIGHT] = {LAYER "mlp.fc1.weight", {DIM_MLP, DIM_HIDDEN}, .init = INIT_NORMAL},
    [UP_BIAS] = {LAYER "mlp.fc1.bias", {DIM_MLP}, .init = INIT_ZEROS},
    [DOWN_WEIGHT] = {LAYER "mlp.fc2.weight", {DIM_HIDDEN, DIM_MLP}, .init = INIT_NORMAL},
    [DOWN_BIAS] = {LAYER "mlp.fc2.bias", {DIM_HIDDEN}, .init = INIT_ZEROS},
};

static const tensor_form layer_forms[PER_LAYER] = {
    [BEFORE_WEIGHT] = {.gguf = BLOCK "attn_norm.weight"},
    [BEFORE_BIAS] = {.gguf = BLOCK "attn_norm.bias"},
    [QUERY_WEIGHT] = {.gguf = BLOCK "attn_q.weight"},
    [QUERY_BIAS] = {.gguf = BLOCK "attn_q.bias"},
    [KEY_WEIGHT] = {.gguf = BLOCK "attn_k.weight"},
    [KEY_BIAS] = {.gguf = BLOCK "attn_k.bias"},
    [VALUE_WEIGHT] = {.gguf = BLOCK "attn_v.weight"},
    [VALUE_BIAS] = {.gguf = BLOCK "attn_v.bias"},
    [OUT_WEIGHT] = {.gguf = BLOCK "attn_output.weight"},
    [OUT_BIAS] = {.gguf = BLOCK "attn_output.bias"},
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
    .prefix = DECODER_PREFIX,
};

static status phi_configure(const config_file *f, config *out)
{
    status st;
    static const text_class class = {
        .task = "PhiForCausalLM",
        .vocabulary = {NULL, 51200},
        .hidden = {NULL, 2048},
        .layers = {NULL, 24},
        .heads = {NULL, 32},
        .mlp = {NULL, 8192},
        .context = {NULL, 2048},
        .act = "gelu_new",
        .eps_key = "layer_norm_eps",
        .eps = 1e-5,
    };
    static const char *const unsupported[] = {"qk_layernorm"};
    const rotary_class turned = {.theta = 10000, .rotated = 0.5};
    TRY(config_text_model(f, &class, out));
    TRY(config_refuse(f, unsupported, sizeof unsupported / sizeof *unsupported));
    TRY(config_rotary(f, &turned, out->info.head_dim, &out->rotary));
    out->parallel = true;
done:
    return st;
}

static linear phi_output(const model *m)
{
    int slot = m->config.features & FEATURE_OWN_HEAD ? HEAD_WEIGHT : EMBEDDING;
    return weights_linear(m->weights, -1, slot, HEAD_BIAS);
}

static status phi_layer(pass *p, int l)
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

const arch arch_phi = {
    .name = "phi",
    .model_types = (const char *const[]){"phi", "phi2", NULL}, // the second: in GGUF files
    .input_files = (const char *const[]){"tokenizer.json", NULL},
    .configure = phi_configure,
    .tensors = &tensors,
    .mlp = prenorm_mlp,
    .output = phi_output,
    .embed = decoder_embed,
    .layer = phi_layer,
    .finish = prenorm_finish,
};
