// SPDX-License-Identifier: Apache-2.0
// Phi-3, 3.5 and 4-mini: Llama with queries, keys and values in one matrix and gate and up in
// another, positions by LongRoPE, a window in all layers where the file has one.
#include "model/config/config_rotary.h"
#include "model/config/config_text.h"
#include "model/families/decoder.h"

static const tensor_def per_layer[DECODER_TENSORS] = {
    [DECODER_BEFORE_ATTN] = DECODER_VECTOR("input_layernorm", DIM_HIDDEN),
    [DECODER_BEFORE_MLP] = DECODER_VECTOR("post_attention_layernorm", DIM_HIDDEN),
    [DECODER_QUERY] = DECODER_MATRIX(DECODER_ATTN "qkv_proj", DIM_ATTN, DIM_HIDDEN),
    [DECODER_KEY] = DECODER_MATRIX(DECODER_ATTN "qkv_proj", DIM_KV, DIM_HIDDEN),
    [DECODER_VALUE] = DECODER_MATRIX(DECODER_ATTN "qkv_proj", DIM_KV, DIM_HIDDEN),
    [DECODER_OUT] = DECODER_MATRIX(DECODER_ATTN "o_proj", DIM_HIDDEN, DIM_ATTN),
    [DECODER_GATE] = DECODER_MATRIX(DECODER_MLP "gate_up_proj", DIM_MLP, DIM_HIDDEN),
    [DECODER_UP] = DECODER_MATRIX(DECODER_MLP "gate_up_proj", DIM_MLP, DIM_HIDDEN),
    [DECODER_DOWN] = DECODER_MATRIX(DECODER_MLP "down_proj", DIM_HIDDEN, DIM_MLP),
};

#define QKV(n)                                                                                     \
    {                                                                                              \
        .safetensors = LAYOUT_QKV, .gguf = DECODER_BLOCK "attn_qkv.weight", .in_gguf = LAYOUT_QKV, \
        .part = (n)                                                                                \
    }
#define GATE_UP(n)                                                                                 \
    {                                                                                              \
        .safetensors = LAYOUT_GATE_UP, .gguf = DECODER_BLOCK "ffn_up.weight",                      \
        .in_gguf = LAYOUT_GATE_UP, .part = (n)                                                     \
    }

static const tensor_form layer_forms[DECODER_TENSORS] = {
    [DECODER_BEFORE_ATTN] = {.gguf = DECODER_BLOCK "attn_norm.weight"},
    [DECODER_BEFORE_MLP] = {.gguf = DECODER_BLOCK "ffn_norm.weight"},
    [DECODER_QUERY] = QKV(0),
    [DECODER_KEY] = QKV(1),
    [DECODER_VALUE] = QKV(2),
    [DECODER_OUT] = {.gguf = DECODER_BLOCK "attn_output.weight"},
    [DECODER_GATE] = GATE_UP(0),
    [DECODER_UP] = GATE_UP(1),
    [DECODER_DOWN] = {.gguf = DECODER_BLOCK "ffn_down.weight"},
};

static const tensor_table tensors = {
    DECODER_TABLE(per_layer, decoder_global_forms, layer_forms),
};

static status phi3_configure(const config_file *f, config *out)
{
    status st;
    static const text_class class = {
        .task = "Phi3ForCausalLM",
        .vocabulary = {NULL, 32064},
        .hidden = {NULL, 3072},
        .layers = {NULL, 32},
        .heads = {NULL, 32},
        .mlp = {NULL, 8192},
        .context = {NULL, 4096},
        .act = "silu",
        .eps_key = "rms_norm_eps",
        .eps = 1e-5,
    };
    static const char *const unsupported[] = {"attention_bias", "mlp_bias"};
    const rotary_class turned = {.theta = 10000, .rotated = 1};
    out->info.gated = true;
    TRY(config_text_model(f, &class, out));
    TRY(config_refuse(f, unsupported, sizeof unsupported / sizeof *unsupported));
    TRY(config_windows(f, 0, CONFIG_MAX_LAYERS, out));
    TRY(config_rotary(f, &turned, out->info.head_dim, &out->rotary));
    if (out->rotary.kind != ROTARY_PLAIN && out->rotary.kind != ROTARY_LONG) // its yarn is another
        st = status_fail(ERR_INPUT, config_file_path(f),
                         "\"rope_scaling\": the types of Phi-3 are default and longrope");
done:
    return st;
}

const arch arch_phi3 = {
    .name = "phi3",
    .model_types = (const char *const[]){"phi3", NULL},
    .configure = phi3_configure,
    .tensors = &tensors,
    DECODER_SLOTS,
};
