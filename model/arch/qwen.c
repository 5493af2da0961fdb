// SPDX-License-Identifier: Apache-2.0
// Qwen2 (biases on queries, keys and values) and Qwen3 (queries and keys normalised), and Qwen3-MoE,
// whose MLPs are mixtures of experts. One file, since that is all in which they differ. Windows,
// where they are switched on, in the later layers; in Qwen3-MoE in all.
#include <string.h>

#include "model/families/sparse.h"

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

static const tensor_def moe_layer[DECODER_TENSORS] = {
    [DECODER_BEFORE_ATTN] = DECODER_VECTOR("input_layernorm", DIM_HIDDEN),
    [DECODER_QUERY_NORM] = DECODER_QK_NORM("q_norm", DIM_HEAD),
    [DECODER_KEY_NORM] = DECODER_QK_NORM("k_norm", DIM_HEAD),
    [DECODER_BEFORE_MLP] = DECODER_VECTOR("post_attention_layernorm", DIM_HIDDEN),
    DECODER_ATTENTION,
    SPARSE_TENSORS(DECODER_MLP, "gate_proj", "up_proj", "down_proj"),
};

static const tensor_table moe_tensors = {
    SPARSE_TABLE(moe_layer),
};

static status qwen_moe_configure(const config_file *f, config *out)
{
    status st;
    static const sparse_class class = {
        .text =
            {
                .task = "Qwen3MoeForCausalLM",
                .vocabulary = {NULL, 151936},
                .hidden = {NULL, 2048},
                .layers = {NULL, 24},
                .heads = {NULL, 32},
                .mlp = {"moe_intermediate_size", 768},
                .context = {NULL, 32768},
                .kv_heads = 4,
                .act = "silu",
                .eps_key = "rms_norm_eps",
                .eps = 1e-6,
            },
        .theta = 10000,
        .experts = 128,
        .per_token = 8,
    };
    bool attention_bias, windowed;
    TRY(sparse_configure(f, &class, out));
    config_file_asked(f, "intermediate_size"); // of layers without experts
    TRY(config_bool(f, "attention_bias", false, &attention_bias));
    TRY(config_bool(f, "use_sliding_window", false, &windowed));
    config_file_asked(f, "sliding_window");    // counts only where that is set, then in all layers:
    config_file_asked(f, "max_window_layers"); // the class does not look at this
    if (windowed)                              // null is none
        TRY(config_int(f, "sliding_window", 0, 1 << 24, config_has(f, "sliding_window") ? 0 : 4096,
                       &out->window));
    TRY(config_layer_types(f, out->window ? "sliding_attention" : "full_attention"));
    out->features |= FEATURE_QK_NORM | (attention_bias ? FEATURE_QKV_BIAS | FEATURE_O_BIAS : 0);
done:
    return st;
}

const arch arch_qwen_moe = {
    .name = "qwen3_moe",
    .model_types =
        (const char *const[]){"qwen3_moe", "qwen3moe", NULL}, // the second: in GGUF files
    .configure = qwen_moe_configure,
    .tensors = &moe_tensors,
    DECODER_SLOTS,
};
