// SPDX-License-Identifier: Apache-2.0
// Qwen2 (biases on queries, keys and values) and Qwen3 (queries and keys normalised). One file,
// since that is all in which they differ.
#include <string.h>

#include "model/families/decoder.h"

static status qwen_configure(const config_file *f, config *out)
{
    status st;
    bool attention_bias, windowed;
    int head_dim;
    const char *type = NULL;
    TRY(config_text(f, "model_type", NULL, &type));
    bool third = strcmp(type, "qwen3") == 0;
    if (third) // its class has a width of its own where the file has none
        TRY(config_int(f, "head_dim", 1, 1 << 16, CONFIG_REQUIRED, &head_dim));
    TRY(decoder_configure(f, third ? "Qwen3ForCausalLM" : "Qwen2ForCausalLM", 32, out));
    TRY(config_layer_types(f, "full_attention"));
    TRY(config_bool(f, "attention_bias", false, &attention_bias));
    TRY(config_bool(f, "use_sliding_window", false, &windowed));
    if (windowed) {
        st = status_fail(ERR_INPUT, config_file_path(f),
                         "\"use_sliding_window\" for a part of the layers is not supported");
        goto done;
    }
    if (third)
        out->features |= FEATURE_QK_NORM | (attention_bias ? FEATURE_QKV_BIAS | FEATURE_O_BIAS : 0);
    else
        out->features |= FEATURE_QKV_BIAS;
done:
    return st;
}

const arch arch_qwen = {
    .name = "qwen",
    .model_types = (const char *const[]){"qwen2", "qwen3", NULL},
    .configure = qwen_configure,
    DECODER_ARCH,
};
