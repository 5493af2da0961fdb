// SPDX-License-Identifier: Apache-2.0
// Gemma: Llama with norms of 1 + w, embeddings scaled by √H, a GELU in its gate, heads of a width
// of their own, and its head tied to the embedding.
#include "model/arch/gemma.h"

#include <math.h>
#include <string.h>

#include "model/config/config_rotary.h"

const tensor_form gemma_global_forms[DECODER_GLOBALS] = {
    [DECODER_EMBEDDING] = {.gguf = "token_embd.weight"},
    [DECODER_NORM] = {.safetensors = LAYOUT_PLUS_ONE, .gguf = "output_norm.weight"},
    [DECODER_HEAD] = {.gguf = "output.weight"},
};

static const tensor_def per_layer[DECODER_TENSORS] = {
    [DECODER_BEFORE_ATTN] = DECODER_VECTOR("input_layernorm", DIM_HIDDEN),
    [DECODER_BEFORE_MLP] = DECODER_VECTOR("post_attention_layernorm", DIM_HIDDEN),
    DECODER_PROJECTIONS,
};

static const tensor_form layer_forms[DECODER_TENSORS] = {
    [DECODER_BEFORE_ATTN] = GEMMA_NORM_FORM("attn_norm"),
    [DECODER_BEFORE_MLP] = GEMMA_NORM_FORM("ffn_norm"),
    DECODER_PROJECTION_FORMS,
};

static const tensor_table tensors = {
    DECODER_TABLE(per_layer, gemma_global_forms, layer_forms),
};

status gemma_configure(const config_file *f, const text_class *class, config *out)
{
    status st;
    static const char *const unsupported[] = {"use_bidirectional_attention", "text_config"};
    bool attention_bias;
    TRY(config_text_model(f, class, out));
    TRY(config_refuse(f, unsupported, sizeof unsupported / sizeof *unsupported));
    TRY(config_bool(f, "attention_bias", false, &attention_bias));
    out->info.gated = true;
    out->embedding_scale = sqrt(out->info.hidden_size);
    out->features |= attention_bias ? FEATURE_QKV_BIAS | FEATURE_O_BIAS : 0;
done:
    return st;
}

static status first_configure(const config_file *f, config *out)
{
    status st;
    text_class class = {
        .task = "GemmaForCausalLM",
        .vocabulary = {NULL, 256000},
        .hidden = {NULL, 3072},
        .layers = {NULL, 28},
        .heads = {NULL, 16},
        .mlp = {NULL, 24576},
        .context = {NULL, 8192},
        .kv_heads = 16,
        .head_dim = 256,
        .act = "gelu_pytorch_tanh",
        .eps_key = "rms_norm_eps",
        .eps = 1e-6,
        .tied = true,
    };
    const char *act = NULL;
    // Files that were written first say gelu and mean its approximation; a second key says which.
    TRY(config_text(f, "hidden_act", class.act, &act));
    if (config_file_get(f, "hidden_activation") || strcmp(act, "gelu") == 0)
        class.act_key = "hidden_activation";
    TRY(gemma_configure(f, &class, out));
    TRY(config_rotary(f, &(rotary_class){.theta = 10000}, out->info.head_dim, &out->rotary));
done:
    return st;
}

const arch arch_gemma = {
    .name = "gemma",
    .model_types = (const char *const[]){"gemma", NULL},
    .configure = first_configure,
    .tensors = &tensors,
    DECODER_SLOTS,
};
