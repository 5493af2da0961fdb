// SPDX-License-Identifier: Apache-2.0
// Llama and Mistral: Llama 2 and 3, Mistral v0.1 to v0.3, SmolLM2, TinyLlama. Biases where the
// configuration asks for them; Mistral's sliding window. One architecture, because GGUF files call
// both "llama"; and so they call Mixtral, whose MLPs are mixtures of experts.
#include <string.h>

#include "model/families/sparse.h"

static status configure_mistral(const config_file *f, config *out)
{
    status st;
    static const char *const unsupported[] = {"attention_bias", "mlp_bias"};
    const int window = config_has(f, "sliding_window") ? 0 : 4096; // the class's; null is none
    TRY(decoder_configure(f, "MistralForCausalLM", 8, 0, out));
    TRY(config_refuse(f, unsupported, sizeof unsupported / sizeof *unsupported));
    TRY(config_int(f, "sliding_window", 0, 1 << 24, window, &out->window));
    TRY(config_layer_types(f, out->window ? "sliding_attention" : "full_attention"));
done:
    return st;
}

static status llama_configure(const config_file *f, config *out)
{
    status st;
    bool attention_bias, mlp_bias;
    const char *type = NULL;
    TRY(config_text(f, "model_type", NULL, &type));
    if (strcmp(type, "mistral") == 0) {
        TRY(configure_mistral(f, out));
    } else {
        TRY(decoder_configure(f, "LlamaForCausalLM", 0, 0, out));
        TRY(config_layer_types(f, "full_attention"));
        TRY(config_bool(f, "attention_bias", false, &attention_bias));
        TRY(config_bool(f, "mlp_bias", false, &mlp_bias));
        out->features |= attention_bias ? FEATURE_QKV_BIAS | FEATURE_O_BIAS : 0;
        out->features |= mlp_bias ? FEATURE_MLP_BIAS : 0;
    }
    out->features |= FEATURE_GGUF_PAIRS; // llama.cpp's converter moves their rows, and only theirs
done:
    return st;
}

const arch arch_llama = {
    .name = "llama",
    .model_types = (const char *const[]){"llama", "mistral", NULL},
    .configure = llama_configure,
    DECODER_ARCH,
};

#define SPARSE "block_sparse_moe."

static const tensor_def mixtral_layer[DECODER_TENSORS] = {
    [DECODER_BEFORE_ATTN] = DECODER_VECTOR("input_layernorm", DIM_HIDDEN),
    [DECODER_BEFORE_MLP] = DECODER_VECTOR("post_attention_layernorm", DIM_HIDDEN),
    DECODER_ATTENTION,
    SPARSE_TENSORS(DECODER_LAYER SPARSE, "w1", "w3", "w2"),
};

static const char *const mixtral_names[] = {SPARSE, "mlp.", NULL}; // the router's in transformers 5

static const tensor_table mixtral_tensors = {
    SPARSE_TABLE(mixtral_layer),
    .other_names = mixtral_names,
};

static status mixtral_configure(const config_file *f, config *out)
{
    status st;
    static const sparse_class class = {
        .text =
            {
                .task = "MixtralForCausalLM",
                .vocabulary = {NULL, 32000},
                .hidden = {NULL, 4096},
                .layers = {NULL, 32},
                .heads = {NULL, 32},
                .mlp = {NULL, 14336},
                .context = {NULL, 1 << 17},
                .kv_heads = 8,
                .act = "silu",
                .eps_key = "rms_norm_eps",
                .eps = 1e-5,
            },
        .theta = 1e6,
        .experts = 8,
        .per_token = 2,
        .always_shares = true,
    };
    static const char *const unsupported[] = {"attention_bias"};
    TRY(sparse_configure(f, &class, out));
    TRY(config_refuse(f, unsupported, sizeof unsupported / sizeof *unsupported));
    TRY(config_int(f, "sliding_window", 0, 1 << 24, 0, &out->window));
    TRY(config_layer_types(f, out->window ? "sliding_attention" : "full_attention"));
    out->features |= FEATURE_GGUF_PAIRS;
done:
    return st;
}

const arch arch_mixtral = {
    .name = "mixtral",
    .model_types = (const char *const[]){"mixtral", NULL},
    .configure = mixtral_configure,
    .tensors = &mixtral_tensors,
    DECODER_SLOTS,
};
