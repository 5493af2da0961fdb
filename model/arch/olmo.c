// SPDX-License-Identifier: Apache-2.0
// OLMo 2 and 3: Llama with its norms behind the blocks, where they put out, instead of before them;
// queries and keys are normalised as whole vectors. OLMo 3 has windows in three layers of four, and
// scales the positions of the others only.
#include <string.h>

#include "model/config/config_rotary.h"
#include "model/config/config_text.h"
#include "model/families/decoder.h"

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
    .globals = decoder_globals,
    .layer = per_layer,
    .n_globals = DECODER_GLOBALS,
    .n_layer = DECODER_TENSORS,
    .n_embedding = DECODER_NORM,
    .global_forms = decoder_global_forms,
    .layer_forms = layer_forms,
    .prefix = DECODER_PREFIX,
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
