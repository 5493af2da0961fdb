// SPDX-License-Identifier: Apache-2.0
// Qwen2 (biases on queries, keys and values) and Qwen3 (queries and keys normalised). One file,
// since that is all in which they differ. Windows, where they are switched on, in the later layers.
#include <string.h>

#include "model/families/decoder.h"

// A window counts only where that is switched on: then in the layers from the max_window_layers-th
// on, unless each layer's type is said.
static status read_windows(const config_file *f, config *out)
{
    status st;
    bool windowed;
    int first;
    TRY(config_bool(f, "use_sliding_window", false, &windowed));
    TRY(config_int(f, "max_window_layers", 0, 1 << 24, 28, &first));
    config_file_asked(f, "sliding_window");
    if (windowed && (config_file_get(f, "sliding_window") || !config_has(f, "sliding_window"))) {
        TRY(config_int(f, "sliding_window", 1, 1 << 24, 4096, &out->window));
        TRY(config_windowed_layers(f, first, CONFIG_MAX_LAYERS + 1, out));
    } else {
        TRY(config_layer_types(f, "full_attention"));
    }
done:
    return st;
}

static status qwen_configure(const config_file *f, config *out)
{
    status st;
    bool attention_bias;
    const char *type = NULL;
    TRY(config_text(f, "model_type", NULL, &type));
    bool third = strcmp(type, "qwen3") == 0;
    TRY(decoder_configure(f, third ? "Qwen3ForCausalLM" : "Qwen2ForCausalLM", 32, third ? 128 : 0,
                          out));
    TRY(read_windows(f, out));
    TRY(config_bool(f, "attention_bias", false, &attention_bias));
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
