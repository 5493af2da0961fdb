// SPDX-License-Identifier: Apache-2.0
// Gemma 2 and the language model of Gemma 3: norms before and behind each block, windows in a part
// of the layers, a scale of scores of their own. The second caps scores and logits; the third
// normalises queries and keys, and rotates windowed layers by another base.
#include <math.h>
#include <string.h>

#include "model/arch/gemma.h"
#include "model/config/config_rotary.h"

static const tensor_def per_layer[DECODER_TENSORS] = {
    [DECODER_BEFORE_ATTN] = DECODER_VECTOR("input_layernorm", DIM_HIDDEN),
    [DECODER_BEHIND_ATTN] = DECODER_VECTOR("post_attention_layernorm", DIM_HIDDEN),
    [DECODER_BEFORE_MLP] = DECODER_VECTOR("pre_feedforward_layernorm", DIM_HIDDEN),
    [DECODER_BEHIND_MLP] = DECODER_VECTOR("post_feedforward_layernorm", DIM_HIDDEN),
    [DECODER_QUERY_NORM] = DECODER_QK_NORM("q_norm", DIM_HEAD),
    [DECODER_KEY_NORM] = DECODER_QK_NORM("k_norm", DIM_HEAD),
    DECODER_PROJECTIONS,
};

static const tensor_form layer_forms[DECODER_TENSORS] = {
    [DECODER_BEFORE_ATTN] = GEMMA_NORM_FORM("attn_norm"),
    [DECODER_BEHIND_ATTN] = GEMMA_NORM_FORM("post_attention_norm"),
    [DECODER_BEFORE_MLP] = GEMMA_NORM_FORM("ffn_norm"),
    [DECODER_BEHIND_MLP] = GEMMA_NORM_FORM("post_ffw_norm"),
    [DECODER_QUERY_NORM] = GEMMA_NORM_FORM("attn_q_norm"),
    [DECODER_KEY_NORM] = GEMMA_NORM_FORM("attn_k_norm"),
    DECODER_PROJECTION_FORMS,
};

// In files with a tower for images beside it.
static const char *const other_names[] = {"model.", "language_model.model.", NULL};
static const char *const beside[] = {"vision_tower.", "multi_modal_projector.", NULL};

static const tensor_table tensors = {
    DECODER_TABLE(per_layer, gemma_global_forms, layer_forms),
    .other_names = other_names,
    .beside = beside,
};

// A cap: null, or 0 in GGUF files, is none.
static status read_cap(const config_file *f, const char *key, double missing, double *out)
{
    return config_real(f, key, 0, 1e6, config_has(f, key) ? 0 : missing, out);
}

// Positions, which the third has in two ways.
static status read_positions(const config_file *f, bool third, config *out)
{
    static const rotary_class second = {.theta = 10000}, full = {.theta = 1000000},
                              windowed = {.theta = 10000, .theta_key = "rope_local_base_freq"};
    const int d = out->info.head_dim;
    return third ? config_rotary_kinds(f, &full, &windowed, d, &out->rotary, &out->windowed_rotary)
                 : config_rotary(f, &second, d, &out->rotary);
}

static status configure_text(const config_file *f, config *out)
{
    status st;
    text_class class = {
        .task = "Gemma2ForCausalLM",
        .vocabulary = {NULL, 256000},
        .hidden = {NULL, 2304},
        .layers = {NULL, 26},
        .heads = {NULL, 8},
        .mlp = {NULL, 9216},
        .context = {NULL, 8192},
        .kv_heads = 4,
        .head_dim = 256,
        .act_key = "hidden_activation",
        .act = "gelu_pytorch_tanh",
        .eps_key = "rms_norm_eps",
        .eps = 1e-6,
        .tied = true,
    };
    double scalar = 0;
    const char *type = NULL;
    TRY(config_text(f, "model_type", "gemma3_text", &type)); // which a part may not say
    const bool third = strcmp(type, "gemma2") != 0;
    if (third) {
        class.task = "Gemma3ForCausalLM";
        class.vocabulary.missing = 262208;
        class.context.missing = 131072;
    }
    TRY(gemma_configure(f, &class, out));
    out->info.apart = true;
    TRY(config_windows(f, 4096, third ? 6 : 2, out));
    TRY(read_positions(f, third, out));
    TRY(config_real(f, "query_pre_attn_scalar", 1e-6, 1e9, 256, &scalar));
    TRY(read_cap(f, "attn_logit_softcapping", third ? 0 : 50, &out->score_cap));
    TRY(read_cap(f, "final_logit_softcapping", third ? 0 : 30, &out->logit_cap));
    out->score_scale = 1 / sqrt(scalar);
    out->features |= third ? FEATURE_QK_NORM : 0;
done:
    return st;
}

// A file with a tower for images holds the language model's fields in an object.
static status gemma2_configure(const config_file *f, config *out)
{
    status st;
    static const char *const of_images[] = {
        "vision_config",     "mm_tokens_per_image", "boi_token_index",     "eoi_token_index",
        "image_token_index", "initializer_range",   "tie_word_embeddings", "eoi_token_id",
        "boi_token_id",      "image_token_id"};
    config_file *part = NULL;
    TRY(config_file_part(f, "text_config", &part));
    if (!part) {
        TRY(configure_text(f, out));
        goto done;
    }
    for (size_t i = 0; i < sizeof of_images / sizeof *of_images; i++)
        config_file_asked(f, of_images[i]);
    TRY(config_task(f, "Gemma3ForConditionalGeneration", out));
    TRY(configure_text(part, out));
    config_file_note_unread(part);
done:
    config_file_close(part);
    return st;
}

const arch arch_gemma2 = {
    .name = "gemma2",
    .model_types = (const char *const[]){"gemma2", "gemma3_text", "gemma3", NULL},
    .configure = gemma2_configure,
    .tensors = &tensors,
    DECODER_SLOTS,
};
