// SPDX-License-Identifier: Apache-2.0
// OLMo 2 and 3: Llama with its norms behind the blocks, where they put out, instead of before them;
// queries and keys are normalised as whole vectors. OLMo 3 has windows in three layers of four, and
// scales the positions of the others only. OLMoE is of the first one's time: norms before the
// blocks, MLPs that are mixtures of experts.
#include <string.h>

#include "model/config/config_rotary.h"
#include "model/config/config_text.h"
#include "model/families/sparse.h"

static const tensor_def per_layer[DECODER_TENSORS] = {
    [DECODER_BEHIND_ATTN] = DECODER_VECTOR("post_attention_layernorm", DIM_HIDDEN),
    [DECODER_BEHIND_MLP] = DECODER_VECTOR("post_feedforward_layernorm", DIM_HIDDEN),
    [DECODER_QUERY_NORM] = DECODER_QK_NORM("q_norm", DIM_ATTN),
    [DECODER_KEY_NORM] = DECODER_QK_NORM("k_norm", DIM_KV),
    DECODER_PROJECTIONS,
};

static const tensor_form layer_forms[DECODER_TENSORS] = {
    [DECODER_BEHIND_ATTN] = {.gguf = DECODER_BLOCK "post_attention_norm.weight"},
    [DECODER_BEHIND_MLP] = {.gguf = DECODER_BLOCK "post_ffw_norm.weight"},
    [DECODER_QUERY_NORM] = {.gguf = DECODER_BLOCK "attn_q_norm.weight"},
    [DECODER_KEY_NORM] = {.gguf = DECODER_BLOCK "attn_k_norm.weight"},
    DECODER_PROJECTION_FORMS,
};

static const tensor_table tensors = {
    DECODER_TABLE(per_layer, decoder_global_forms, layer_forms),
};

// The third's own: windows, and two ways of rotation.
static status configure_third(const config_file *f, config *out)
{
    status st;
    static const rotary_class turned = {.theta = 500000};
    TRY(config_windows(f, 4096, 4, out));
    TRY(config_rotary_kinds(f, &turned, &turned, out->info.head_dim, &out->rotary,
                            &out->windowed_rotary));
done:
    return st;
}

static status olmo_configure(const config_file *f, config *out)
{
    status st;
    static const text_class class = {
        .task = "Olmo2ForCausalLM",
        .vocabulary = {NULL, 50304},
        .hidden = {NULL, 4096},
        .layers = {NULL, 32},
        .heads = {NULL, 32},
        .mlp = {NULL, 11008},
        .context = {NULL, 2048},
        .act = "silu",
        .eps_key = "rms_norm_eps",
        .eps = 1e-5,
    };
    static const char *const unsupported[] = {"clip_qkv"};
    text_class own = class;
    bool attention_bias;
    const char *type = NULL;
    TRY(config_text(f, "model_type", NULL, &type));
    const bool third = strcmp(type, "olmo3") == 0;
    if (third)
        own.task = "Olmo3ForCausalLM";
    out->info.gated = out->info.apart = true;
    TRY(config_text_model(f, &own, out));
    TRY(config_refuse(f, unsupported, sizeof unsupported / sizeof *unsupported));
    if (third)
        TRY(configure_third(f, out));
    else
        TRY(config_rotary(f, &(rotary_class){.theta = 10000}, out->info.head_dim, &out->rotary));
    TRY(config_bool(f, "attention_bias", false, &attention_bias));
    out->features |= FEATURE_QK_NORM | FEATURE_WHOLE_QK_NORM;
    out->features |= attention_bias ? FEATURE_QKV_BIAS | FEATURE_O_BIAS : 0;
done:
    return st;
}

const arch arch_olmo = {
    .name = "olmo",
    .model_types = (const char *const[]){"olmo2", "olmo3", NULL},
    .configure = olmo_configure,
    .tensors = &tensors,
    DECODER_SLOTS,
};

static const tensor_def moe_layer[DECODER_TENSORS] = {
    [DECODER_BEFORE_ATTN] = DECODER_VECTOR("input_layernorm", DIM_HIDDEN),
    [DECODER_BEFORE_MLP] = DECODER_VECTOR("post_attention_layernorm", DIM_HIDDEN),
    [DECODER_QUERY_NORM] = DECODER_QK_NORM("q_norm", DIM_ATTN),
    [DECODER_KEY_NORM] = DECODER_QK_NORM("k_norm", DIM_KV),
    DECODER_ATTENTION,
    SPARSE_TENSORS(DECODER_MLP, "gate_proj", "up_proj", "down_proj"),
};

static const tensor_table moe_tensors = {
    SPARSE_TABLE(moe_layer),
};

static status olmoe_configure(const config_file *f, config *out)
{
    status st;
    static const sparse_class class = {
        .text =
            {
                .task = "OlmoeForCausalLM",
                .vocabulary = {NULL, 50304},
                .hidden = {NULL, 2048},
                .layers = {NULL, 16},
                .heads = {NULL, 16},
                .mlp = {NULL, 2048},
                .context = {NULL, 4096},
                .act = "silu",
                .eps_key = "rms_norm_eps",
                .eps = 1e-5,
            },
        .theta = 10000,
        .experts = 64,
        .per_token = 8,
    };
    bool attention_bias;
    TRY(sparse_configure(f, &class, out));
    TRY(config_layer_types(f, "full_attention"));
    TRY(config_bool(f, "attention_bias", false, &attention_bias));
    out->features |= FEATURE_QK_NORM | FEATURE_WHOLE_QK_NORM;
    out->features |= attention_bias ? FEATURE_QKV_BIAS | FEATURE_O_BIAS : 0;
done:
    return st;
}

const arch arch_olmoe = {
    .name = "olmoe",
    .model_types = (const char *const[]){"olmoe", NULL},
    .configure = olmoe_configure,
    .tensors = &moe_tensors,
    DECODER_SLOTS,
};
