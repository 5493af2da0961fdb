// SPDX-License-Identifier: Apache-2.0
// Llama and Mistral: Llama 2 and 3, Mistral v0.1 to v0.3, SmolLM2, TinyLlama. Biases where the
// configuration asks for them; Mistral's sliding window. One architecture, because GGUF files call
// both "llama".
#include <string.h>

#include "model/families/decoder.h"

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
