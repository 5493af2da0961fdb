// SPDX-License-Identifier: Apache-2.0
// Llama and Mistral: Llama 2 and 3, Mistral v0.1 to v0.3, SmolLM2, TinyLlama. Biases where the
// configuration asks for them; Mistral's sliding window.
#include "model/decoder.h"

static status configure(const config_file *f, config *out)
{
    status st;
    bool attention_bias, mlp_bias;
    const char *type = NULL;
    TRY(config_text(f, "model_type", NULL, &type));
    bool mistral = type[0] == 'm';
    TRY(decoder_configure(f, mistral ? "MistralForCausalLM" : "LlamaForCausalLM", out));
    TRY(config_bool(f, "attention_bias", false, &attention_bias));
    TRY(config_bool(f, "mlp_bias", false, &mlp_bias));
    if (attention_bias && !mistral)
        out->features |= FEATURE_QKV_BIAS | FEATURE_O_BIAS;
    if (mlp_bias && !mistral)
        out->features |= FEATURE_MLP_BIAS;
    if (mistral)
        TRY(config_int(f, "sliding_window", 0, 1 << 24, 0, &out->window));
done:
    return st;
}

const arch arch_llama = {
    .name = "llama",
    .model_types = (const char *const[]){"llama", "mistral", NULL},
    .input_files = (const char *const[]){"tokenizer.json", NULL},
    .configure = configure,
    .tensors = &decoder_tensors,
    .gated = true,
    .mlp = decoder_mlp,
    .output = decoder_output,
    .embed = decoder_embed,
    .layer = decoder_layer,
    .finish = decoder_finish,
};
