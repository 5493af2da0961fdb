// SPDX-License-Identifier: Apache-2.0
// GPT-2: pre-norm with LayerNorm, learned positions, one matrix for queries, keys and values, its
// matrices transposed in safetensors files (Conv1D), a head tied to the embedding.
#include <string.h>

#include "model/families/prenorm.h"
#include "model/forward/state.h"
#include "model/kernels/kernels.h"

enum { EMBEDDING, POSITIONS, NORM_WEIGHT, NORM_BIAS, HEAD, GLOBALS };

#define ROOT  "transformer."
#define LAYER ROOT "h.%d."
#define BLOCK "blk.%d."

static const tensor_def globals[GLOBALS] = {
    [EMBEDDING] = {ROOT "wte.weight",
                   {DIM_OUTPUTS, DIM_HIDDEN},
                   .init = INIT_NORMAL,
                   .rows = true,
                   .tied = true},
    [POSITIONS] = {ROOT "wpe.weight",
                   {DIM_POSITIONS, DIM_HIDDEN},
                   .init = INIT_NORMAL,
                   .rows = true},
    [NORM_WEIGHT] = {ROOT "ln_f.weight", {DIM_HIDDEN}, .init = INIT_ONES},
    [NORM_BIAS] = {ROOT "ln_f.bias", {DIM_HIDDEN}, .init = INIT_ZEROS},
    [HEAD] = {"lm_head.weight",
              {DIM_OUTPUTS, DIM_HIDDEN},
              .init = INIT_NORMAL,
              .needs = FEATURE_OWN_HEAD,
              .head = true},
};

static const tensor_form global_forms[GLOBALS] = {
    [EMBEDDING] = {.gguf = "token_embd.weight"},
    [POSITIONS] = {.gguf = "position_embd.weight"},
    [NORM_WEIGHT] = {.gguf = "output_norm.weight"},
    [NORM_BIAS] = {.gguf = "output_norm.bias"},
    [HEAD] = {.gguf = "output.weight"},
};

enum { QKV_WEIGHT = PRENORM_TENSORS, QKV_BIAS, PER_LAYER };

static const tensor_def per_layer[PER_LAYER] = {
    [BEFORE_WEIGHT] = {LAYER "ln_1.weight", {DIM_HIDDEN}, .init = INIT_ONES},
    [BEFORE_BIAS] = {LAYER "ln_1.bias", {DIM_HIDDEN}, .init = INIT_ZEROS},
    [QKV_WEIGHT] = {LAYER "attn.c_attn.weight", {DIM_QKV, DIM_HIDDEN}, .init = INIT_NORMAL},
    [QKV_BIAS] = {LAYER "attn.c_attn.bias", {DIM_QKV}, .init = INIT_ZEROS},
    [OUT_WEIGHT] = {LAYER "attn.c_proj.weight", {DIM_HIDDEN, DIM_ATTN}, .init = INIT_RESIDUAL},
    [OUT_BIAS] = {LAYER "attn.c_proj.bias", {DIM_HIDDEN}, .init = INIT_ZEROS},
    [AFTER_WEIGHT] = {LAYER "ln_2.weight", {DIM_HIDDEN}, .init = INIT_ONES},
    [AFTER_BIAS] = {LAYER "ln_2.bias", {DIM_HIDDEN}, .init = INIT_ZEROS},
    [UP_WEIGHT] = {LAYER "mlp.c_fc.weight", {DIM_MLP, DIM_HIDDEN}, .init = INIT_NORMAL},
    [UP_BIAS] = {LAYER "mlp.c_fc.bias", {DIM_MLP}, .init = INIT_ZEROS},
    [DOWN_WEIGHT] = {LAYER "mlp.c_proj.weight", {DIM_HIDDEN, DIM_MLP}, .init = INIT_RESIDUAL},
    [DOWN_BIAS] = {LAYER "mlp.c_proj.bias", {DIM_HIDDEN}, .init = INIT_ZEROS},
};

static const tensor_form layer_forms[PER_LAYER] = {
    [BEFORE_WEIGHT] = {.gguf = BLOCK "attn_norm.weight"},
    [BEFORE_BIAS] = {.gguf = BLOCK "attn_norm.bias"},
    [QKV_WEIGHT] = {LAYOUT_TRANSPOSED, .gguf = BLOCK "attn_qkv.weight"},
    [QKV_BIAS] = {.gguf = BLOCK "attn_qkv.bias"},
    [OUT_WEIGHT] = {LAYOUT_TRANSPOSED, .gguf = BLOCK "attn_output.weight"},
    [OUT_BIAS] = {.gguf = BLOCK "attn_output.bias"},
    [AFTER_WEIGHT] = {.gguf = BLOCK "ffn_norm.weight"},
    [AFTER_BIAS] = {.gguf = BLOCK "ffn_norm.bias"},
    [UP_WEIGHT] = {LAYOUT_TRANSPOSED, .gguf = BLOCK "ffn_up.weight"},
    [UP_BIAS] = {.gguf = BLOCK "ffn_up.bias"},
    [DOWN_WEIGHT] = {LAYOUT_TRANSPOSED, .gguf = BLOCK "ffn_down.weight"},
    [DOWN_BIAS] = {.gguf = BLOCK "ffn_down.bias"},
};

static const tensor_table tensors = {
    .globals = globals,
    .layer = per_layer,
    .n_globals = GLOBALS,
    .n_layer = PER_LAYER,
    .n_embedding = NORM_WEIGHT,
    .global_forms = global_forms,
    .layer_forms = layer_forms,
    .prefix = ROOT,
};

// A length under GPT-2's own name or the one that other families, and GGUF, have for it.
static status read_length(const config_file *f, const char *own, const char *other, int high,
                          int missing, int *out)
{
    return config_int(f, config_has(f, own) ? own : other, 1, high, missing, out);
}

static status gpt2_configure(const config_file *f, config *out)
{
    status st;
    static const char *const unsupported[] = {"quantization_config", "add_cross_attention",
                                              "pruned_heads"};
    enum { MAX_WIDTH = 1 << 17, MAX_LAYERS = 1000, MAX_TOKENS = 1 << 24 };
    model_info *i = &out->info;
    bool tied, scaled;
    i->modality = MODALITY_TEXT;
    TRY(config_task(f, "GPT2LMHeadModel", out));
    TRY(config_refuse(f, unsupported, sizeof unsupported / sizeof *unsupported));
    TRY(config_int(f, "vocab_size", 1, MAX_TOKENS, 50257, &i->outputs));
    TRY(read_length(f, "n_positions", "max_position_embeddings", MAX_TOKENS, 1024, &i->context));
    TRY(read_length(f, "n_embd", "hidden_size", MAX_WIDTH, 768, &i->hidden_size));
    TRY(read_length(f, "n_layer", "num_hidden_layers", MAX_LAYERS, 12, &i->layers));
    TRY(read_length(f, "n_head", "num_attention_heads", MAX_WIDTH, 12, &i->heads));
    TRY(read_length(f, "n_inner", "intermediate_size", 1 << 20, 4 * i->hidden_size, &i->d_mlp));
    TRY(config_heads(f, i->hidden_size, i->heads, &i->head_dim));
    TRY(config_activation(f, "activation_function", "gelu_new", &out->act));
    TRY(config_real(f, "layer_norm_epsilon", 0, 1, 1e-5, &out->norm_eps));
    TRY(config_real(f, "initializer_range", 0, 1e3, 0.02, &out->initializer_range));
    TRY(config_bool(f, "tie_word_embeddings", true, &tied));
    TRY(config_bool(f, "scale_attn_weights", true, &scaled));
    TRY(config_bool(f, "scale_attn_by_inverse_layer_idx", false, &out->scaled_by_layer));
    if (i->heads * i->head_dim != i->hidden_size)
        st = status_fail(ERR_INPUT, config_file_path(f),
                         "heads that do not fill the hidden size are not supported");
    i->kv_heads = i->heads;
    out->score_scale = scaled ? 0 : 1;
    out->padding = -1;
    out->features = tied ? 0 : FEATURE_OWN_HEAD;
done:
    return st;
}

static linear gpt2_output(const model *m)
{
    int slot = m->config.features & FEATURE_OWN_HEAD ? HEAD : EMBEDDING;
    return weights_linear(m->weights, -1, slot, -1);
}

static status gpt2_embed(pass *p)
{
    status st;
    const weights *w = p->m->weights;
    TRY(block_embed_tokens(p, weights_global(w, EMBEDDING), 0));
    TRY(block_add_positions(p, weights_global(w, POSITIONS), p->position, 0));
done:
    return st;
}

static status gpt2_layer(pass *p, int l)
{
    const int hidden = p->m->config.info.hidden_size;
    const linear qkv = weights_linear(p->m->weights, l, QKV_WEIGHT, QKV_BIAS);
    return prenorm_layer(p, l,
                         (attention_weights){
                             .q = linear_outputs(&qkv, 0, hidden),
                             .k = linear_outputs(&qkv, hidden, hidden),
                             .v = linear_outputs(&qkv, 2 * hidden, hidden),
                             .causal = true,
                         });
}

const arch arch_gpt2 = {
    .name = "gpt2",
    .model_types = (const char *const[]){"gpt2", NULL},
    .input_files = (const char *const[]){"tokenizer.json", "tokenizer_config.json", NULL},
    .configure = gpt2_configure,
    .tensors = &tensors,
    .mlp = prenorm_mlp,
    .output = gpt2_output,
    .embed = gpt2_embed,
    .layer = gpt2_layer,
    .finish = prenorm_finish,
};
