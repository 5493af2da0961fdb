// SPDX-License-Identifier: Apache-2.0
// OPT: learned positions that begin at 2, ReLU, biases, a tied head. Its model of 350 million alone
// has norms behind the sums, and embeddings narrower than its hidden states, which a matrix widens
// and another narrows again.
#include <string.h>

#include "model/config/config_text.h"
#include "model/families/prenorm.h"
#include "model/forward/state.h"
#include "model/kernels/kernels.h"

enum {
    EMBEDDING,
    POSITIONS,
    PROJECT_IN,
    NORM_WEIGHT,
    NORM_BIAS,
    PROJECT_OUT,
    HEAD,
    GLOBALS,
    FIRST_POSITION = 2
};

#define ROOT  "model."
#define DEC   ROOT "decoder."
#define LAYER DEC "layers.%d."
#define ATTN  LAYER "self_attn."

static const tensor_def globals[GLOBALS] = {
    [EMBEDDING] = {DEC "embed_tokens.weight",
                   {DIM_OUTPUTS, DIM_EMBEDDING},
                   .init = INIT_EMBEDDING,
                   .rows = true,
                   .tied = true},
    [POSITIONS] = {DEC "embed_positions.weight",
                   {DIM_POSITIONS, DIM_HIDDEN},
                   .init = INIT_NORMAL,
                   .rows = true},
    [PROJECT_IN] = {DEC "project_in.weight",
                    {DIM_HIDDEN, DIM_EMBEDDING},
                    .init = INIT_NORMAL,
                    .needs = FEATURE_PROJECTED},
    [NORM_WEIGHT] = {DEC "final_layer_norm.weight",
                     {DIM_HIDDEN},
                     .init = INIT_ONES,
                     .needs = FEATURE_LAST_NORM},
    [NORM_BIAS] = {DEC "final_layer_norm.bias",
                   {DIM_HIDDEN},
                   .init = INIT_ZEROS,
                   .needs = FEATURE_LAST_NORM},
    [PROJECT_OUT] = {DEC "project_out.weight",
                     {DIM_EMBEDDING, DIM_HIDDEN},
                     .init = INIT_NORMAL,
                     .needs = FEATURE_PROJECTED},
    [HEAD] = {"lm_head.weight",
              {DIM_OUTPUTS, DIM_EMBEDDING},
              .init = INIT_NORMAL,
              .needs = FEATURE_OWN_HEAD,
              .head = true},
};

enum {
    QUERY_WEIGHT = PRENORM_TENSORS,
    QUERY_BIAS,
    KEY_WEIGHT,
    KEY_BIAS,
    VALUE_WEIGHT,
    VALUE_BIAS,
    PER_LAYER
};

// What is one norm before attention and one before the MLP is in a model of norms behind sums one
// behind each.
static const tensor_def per_layer[PER_LAYER] = {
    [BEFORE_WEIGHT] = {LAYER "self_attn_layer_norm.weight", {DIM_HIDDEN}, .init = INIT_ONES},
    [BEFORE_BIAS] = {LAYER "self_attn_layer_norm.bias", {DIM_HIDDEN}, .init = INIT_ZEROS},
    [QUERY_WEIGHT] = {ATTN "q_proj.weight", {DIM_ATTN, DIM_HIDDEN}, .init = INIT_NORMAL},
    [QUERY_BIAS] = {ATTN "q_proj.bias", {DIM_ATTN}, .init = INIT_ZEROS, .needs = FEATURE_QKV_BIAS},
    [KEY_WEIGHT] = {ATTN "k_proj.weight", {DIM_KV, DIM_HIDDEN}, .init = INIT_NORMAL},
    [KEY_BIAS] = {ATTN "k_proj.bias", {DIM_KV}, .init = INIT_ZEROS, .needs = FEATURE_QKV_BIAS},
    [VALUE_WEIGHT] = {ATTN "v_proj.weight", {DIM_KV, DIM_HIDDEN}, .init = INIT_NORMAL},
    [VALUE_BIAS] = {ATTN "v_proj.bias", {DIM_KV}, .init = INIT_ZEROS, .needs = FEATURE_QKV_BIAS},
    [OUT_WEIGHT] = {ATTN "out_proj.weight", {DIM_HIDDEN, DIM_ATTN}, .init = INIT_NORMAL},
    [OUT_BIAS] = {ATTN "out_proj.bias", {DIM_HIDDEN}, .init = INIT_ZEROS, .needs = FEATURE_O_BIAS},
    [AFTER_WEIGHT] = {LAYER "final_layer_norm.weight", {DIM_HIDDEN}, .init = INIT_ONES},
    [AFTER_BIAS] = {LAYER "final_layer_norm.bias", {DIM_HIDDEN}, .init = INIT_ZEROS},
    [UP_WEIGHT] = {LAYER "fc1.weight", {DIM_MLP, DIM_HIDDEN}, .init = INIT_NORMAL},
    [UP_BIAS] = {LAYER "fc1.bias", {DIM_MLP}, .init = INIT_ZEROS, .needs = FEATURE_MLP_BIAS},
    [DOWN_WEIGHT] = {LAYER "fc2.weight", {DIM_HIDDEN, DIM_MLP}, .init = INIT_NORMAL},
    [DOWN_BIAS] = {LAYER "fc2.bias", {DIM_HIDDEN}, .init = INIT_ZEROS, .needs = FEATURE_MLP_BIAS},
};

static const tensor_table tensors = {
    .globals = globals,
    .layer = per_layer,
    .n_globals = GLOBALS,
    .n_layer = PER_LAYER,
    .n_embedding = NORM_WEIGHT,
    .prefix = ROOT,
};

static status opt_configure(const config_file *f, config *out)
{
    status st;
    static const text_class class = {
        .task = "OPTForCausalLM",
        .vocabulary = {NULL, 50272},
        .hidden = {NULL, 768},
        .layers = {NULL, 12},
        .heads = {NULL, 12},
        .mlp = {"ffn_dim", 3072},
        .context = {NULL, 2048},
        .act_key = "activation_function",
        .act = "relu",
        .eps = 1e-5, // no key says so
        .range_key = "init_std",
        .tied = true,
    };
    bool before, removed, bias, affine;
    TRY(config_text_model(f, &class, out));
    const int hidden = out->info.hidden_size;
    TRY(config_int(f, "word_embed_proj_dim", 1, hidden, hidden, &out->embedding_width));
    TRY(config_bool(f, "do_layer_norm_before", true, &before));
    TRY(config_bool(f, "_remove_final_layer_norm", false, &removed));
    TRY(config_bool(f, "enable_bias", true, &bias));
    TRY(config_bool(f, "layer_norm_elementwise_affine", true, &affine));
    if (!affine || out->info.kv_heads != out->info.heads)
        st = status_fail(ERR_INPUT, config_file_path(f),
                         "\"layer_norm_elementwise_affine\": false, and \"num_key_value_heads\", "
                         "are not supported");
    out->first_position = FIRST_POSITION;
    out->norm_behind_sum = !before;
    out->features |= before && !removed ? FEATURE_LAST_NORM : 0;
    out->features |= bias ? FEATURE_QKV_BIAS | FEATURE_O_BIAS | FEATURE_MLP_BIAS : 0;
    out->features |= out->embedding_width != hidden ? FEATURE_PROJECTED : 0;
done:
    return st;
}

static linear opt_output(const model *m)
{
    int slot = m->config.features & FEATURE_OWN_HEAD ? HEAD : EMBEDDING;
    return weights_linear(m->weights, -1, slot, -1);
}

static status opt_embed(pass *p)
{
    status st;
    const config *c = &p->m->config;
    const weights *w = p->m->weights;
    const float *tokens = weights_global(w, EMBEDDING);
    const linear in = weights_linear(w, -1, PROJECT_IN, -1);
    if (c->features & FEATURE_PROJECTED)
        TRY(block_embed_narrow(p, tokens, c->embedding_width, &in));
    else
        TRY(block_embed_tokens(p, tokens, 0));
    TRY(block_add_positions(p, weights_global(w, POSITIONS), p->position, c->first_position));
done:
    return st;
}

static status opt_layer(pass *p, int l)
{
    const weights *w = p->m->weights;
    return prenorm_layer(p, l,
                         (attention_weights){
                             .q = weights_linear(w, l, QUERY_WEIGHT, QUERY_BIAS),
                             .k = weights_linear(w, l, KEY_WEIGHT, KEY_BIAS),
                             .v = weights_linear(w, l, VALUE_WEIGHT, VALUE_BIAS),
                             .causal = true,
                         });
}

// The narrowed rows become the first values of p->hidden's, and are what the head reads.
static status opt_finish(pass *p)
{
    status st;
    const model *m = p->m;
    const int last = m->config.info.layers - 1;
    if (m->config.features & FEATURE_LAST_NORM)
        TRY(prenorm_finish(p));
    else
        TRY(block_pass_on(p, last, SITE_MLP));
    if (m->config.features & FEATURE_PROJECTED) {
        const linear out = weights_linear(m->weights, -1, PROJECT_OUT, -1);
        TRY(block_project(p, &out, NULL));
        TRY(block_pass_on(p, last, SITE_MLP));
    }
done:
    return st;
}

const arch arch_opt = {
    .name = "opt",
    .model_types = (const char *const[]){"opt", NULL},
    .input_files = (const char *const[]){"tokenizer.json", "tokenizer_config.json", NULL},
    .configure = opt_configure,
    .tensors = &tensors,
    .mlp = prenorm_mlp,
    .output = opt_output,
    .embed = opt_embed,
    .layer = opt_layer,
    .finish = opt_finish,
};
