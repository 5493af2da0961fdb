// SPDX-License-Identifier: Apache-2.0
// Qwen2 (biases on queries, keys and values) and Qwen3 (queries and keys normalised). One file,
// since that is all in which they differ.
#include <string.h>

#include "model/families/decoder.h"

static status qwen_configure(const config_file *f, config *out)
{
    status st;
    bool attention_bias, windowed;
    const char *type = NULL;
    TRY(config_text(f, "model_type", NULL, &type));
    bool third = strcmp(type, "qwen3") == 0;
    TRY(decoder_configure(f, third ? "Qwen3ForCausalLM" : "Qwen2ForCausalLM", 32, third ? 128 : 0,
                          out));
    TRY(config_layer_types(f, "full_attention"));
    TRY(config_bool(f, "attention_bias", false, &attention_bias));
    TRY(config_bool(f, "use_sliding_window", false, &windowed));
    config_file_asked(f, "sliding_window"); // counts only where that is set
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
