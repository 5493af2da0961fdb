// SPDX-License-Identifier: Apache-2.0
// One table of tensors serves Llama, Mistral and Qwen: what a member lacks needs a FEATURE_ that its
// configuration does not set. Relatives whose norms lie elsewhere have tables of their own, with the
// same places, and the same blocks run: a norm that a table lacks is left out.
#include "model/families/decoder.h"

#include "model/config/config_rotary.h"
#include "model/config/config_text.h"
#include "model/forward/blocks.h"
#include "model/forward/state.h"

const tensor_def decoder_globals[DECODER_GLOBALS] = {
    [DECODER_EMBEDDING] = {"model.embed_tokens.weight",
                           {DIM_OUTPUTS, DIM_HIDDEN},
                           .init = INIT_EMBEDDING,
                           .rows = true,
                           .tied = true},
    [DECODER_NORM] = {"model.norm.weight", {DIM_HIDDEN}, .init = INIT_ONES},
    [DECODER_HEAD] = {"lm_head.weight",
                      {DIM_OUTPUTS, DIM_HIDDEN},
                      .init = INIT_NORMAL,
                      .needs = FEATURE_OWN_HEAD,
                      .head = true},
};

const tensor_form decoder_global_forms[DECODER_GLOBALS] = {
    [DECODER_EMBEDDING] = {.gguf = "token_embd.weight"},
    [DECODER_NORM] = {.gguf = "output_norm.weight"},
    [DECODER_HEAD] = {.gguf = "output.weight"},
};

static const tensor_def per_layer[DECODER_TENSORS] = {
    [DECODER_BEFORE_ATTN] = DECODER_VECTOR("input_layernorm", DIM_HIDDEN),
    [DECODER_QUERY_NORM] = DECODER_QK_NORM("q_norm", DIM_HEAD),
    [DECODER_KEY_NORM] = DECODER_QK_NORM("k_norm", DIM_HEAD),
    [DECODER_BEFORE_MLP] = DECODER_VECTOR("post_attention_layernorm", DIM_HIDDEN),
    DECODER_PROJECTIONS,
};

static const tensor_form layer_forms[DECODER_TENSORS] = {
    [DECODER_BEFORE_ATTN] = {.gguf = DECODER_BLOCK "attn_norm.weight"},
    [DECODER_QUERY_NORM] = {.gguf = DECODER_BLOCK "attn_q_norm.weight"},
    [DECODER_KEY_NORM] = {.gguf = DECODER_BLOCK "attn_k_norm.weight"},
    [DECODER_BEFORE_MLP] = {.gguf = DECODER_BLOCK "ffn_norm.weight"},
    DECODER_PROJECTION_FORMS,
};

const tensor_table decoder_tensors = {
    DECODER_TABLE(per_layer, decoder_global_forms, layer_forms),
};

status decoder_configure(const config_file *f, const char *task, int kv_heads, int head_dim,
                         config *out)
{
    status st;
    // Relatives have these, and what they do would not be done.
    static const char *const unsupported[] = {
        "attn_logit_softcapping",
        "final_logit_softcapping",
        "clip_qkv",
        "num_local_experts",
        "num_experts",
        "use_qk_norm",
        "qk_layernorm",
        "no_rope_layers",
        "query_pre_attn_scalar",
        "attention_multiplier",
        "embedding_multiplier",
        "residual_multiplier",
        "logits_scaling",
        "logit_scale",
    };
    const text_class class = {
        .task = task,
        .vocabulary = {NULL, CONFIG_REQUIRED},
        .hidden = {NULL, CONFIG_REQUIRED},
        .layers = {NULL, CONFIG_REQUIRED},
        .heads = {NULL, CONFIG_REQUIRED},
        .mlp = {NULL, CONFIG_REQUIRED},
        .context = {NULL, 2048},
        .kv_heads = kv_heads,
        .head_dim = head_dim,
        .act = "silu",
        .eps_key = "rms_norm_eps",
        .eps = 1e-6,
    };
    model_info *i = &out->info;
    i->gated = true;
    TRY(config_text_model(f, &class, out));
    TRY(config_refuse(f, unsupported, sizeof unsupported / sizeof *unsupported));
    if (i->head_dim % 2 != 0)
        st = status_fail(ERR_INPUT, config_file_path(f), "\"head_dim\" %d is odd", i->head_dim);
    else
        TRY(config_rotary(f, &(rotary_class){.theta = 10000}, i->head_dim, &out->rotary));
done:
    return st;
}

static const float *layer_values(const model *m, int layer, int slot)
{
    return weights_layer(m->weights, layer, slot);
}

static linear layer_map(const model *m, int layer, int weight, int bias)
{
    return weights_linear(m->weights, layer, weight, bias);
}

// Experts have no biases.
static linear mlp_map(const model *m, int layer, int expert, int weight, int bias)
{
    return m->config.info.experts > 0 ? weights_expert(m->weights, layer, weight, expert)
                                      : layer_map(m, layer, weight, bias);
}

mlp_weights decoder_mlp(const model *m, int layer, int expert)
{
    return (mlp_weights){
        .up = mlp_map(m, layer, expert, DECODER_UP, DECODER_UP_BIAS),
        .gate = mlp_map(m, layer, expert, DECODER_GATE, DECODER_GATE_BIAS),
        .down = mlp_map(m, layer, expert, DECODER_DOWN, DECODER_DOWN_BIAS),
        .act = m->config.act,
        .then.norm = layer_values(m, layer, DECODER_BEHIND_MLP),
    };
}

linear decoder_router(const model *m, int layer)
{
    return layer_map(m, layer, DECODER_ROUTER, -1);
}

linear decoder_output(const model *m)
{
    int slot = m->config.features & FEATURE_OWN_HEAD ? DECODER_HEAD : DECODER_EMBEDDING;
    return weights_linear(m->weights, -1, slot, -1);
}

status decoder_embed(pass *p)
{
    return block_embed_tokens(p, weights_global(p->m->weights, DECODER_EMBEDDING),
                              p->m->config.embedding_scale);
}

// What the next block reads: normalised where the model has a norm there.
static status before_block(pass *p, const float *norm, int layer, site after)
{
    return norm ? block_rms_norm(p, norm, layer, after) : block_pass_on(p, layer, after);
}

status decoder_layer(pass *p, int l)
{
    status st;
    const model *m = p->m;
    const attention_weights a = {
        .q = layer_map(m, l, DECODER_QUERY, DECODER_QUERY_BIAS),
        .k = layer_map(m, l, DECODER_KEY, DECODER_KEY_BIAS),
        .v = layer_map(m, l, DECODER_VALUE, DECODER_VALUE_BIAS),
        .o = layer_map(m, l, DECODER_OUT, DECODER_OUT_BIAS),
        .q_norm = layer_values(m, l, DECODER_QUERY_NORM),
        .k_norm = layer_values(m, l, DECODER_KEY_NORM),
        .causal = true,
        .then.norm = layer_values(m, l, DECODER_BEHIND_ATTN),
    };
    TRY(before_block(p, layer_values(m, l, DECODER_BEFORE_ATTN), l - 1, SITE_MLP));
    TRY(block_attention(p, l, &a));
    TRY(before_block(p, layer_values(m, l, DECODER_BEFORE_MLP), l, SITE_ATTN));
    TRY(block_mlp(p, l));
done:
    return st;
}

status decoder_finish(pass *p)
{
    return block_rms_norm(p, weights_global(p->m->weights, DECODER_NORM),
                          p->m->config.info.layers - 1, SITE_MLP);
}
