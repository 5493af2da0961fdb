// SPDX-License-Identifier: Apache-2.0
// The classes differ in names and defaults; how a mixture works is the same in all, and refused
// where it is not: layers without one, shared experts, other ways to choose.
#include "model/families/sparse.h"

#include "model/config/config_rotary.h"

enum { MAX_EXPERTS = 1 << 12, MAX_NEURONS = 1 << 22 };

const tensor_form sparse_layer_forms[DECODER_TENSORS] = {
    [DECODER_BEFORE_ATTN] = {.gguf = DECODER_BLOCK "attn_norm.weight"},
    [DECODER_QUERY_NORM] = {.gguf = DECODER_BLOCK "attn_q_norm.weight"},
    [DECODER_KEY_NORM] = {.gguf = DECODER_BLOCK "attn_k_norm.weight"},
    [DECODER_BEFORE_MLP] = {.gguf = DECODER_BLOCK "ffn_norm.weight"},
    DECODER_ATTENTION_FORMS,
    [DECODER_ROUTER] = {.gguf = DECODER_BLOCK "ffn_gate_inp.weight"},
    [DECODER_GATE] = {.gguf = DECODER_BLOCK "ffn_gate_exps.weight",
                      .in_gguf = LAYOUT_EXPERTS,
                      .other = DECODER_MLP "experts.gate_up_proj",
                      .in_other = LAYOUT_EXPERTS_GATE_UP},
    [DECODER_UP] = {.gguf = DECODER_BLOCK "ffn_up_exps.weight",
                    .in_gguf = LAYOUT_EXPERTS,
                    .part = 1,
                    .other = DECODER_MLP "experts.gate_up_proj",
                    .in_other = LAYOUT_EXPERTS_GATE_UP},
    [DECODER_DOWN] = {.gguf = DECODER_BLOCK "ffn_down_exps.weight",
                      .in_gguf = LAYOUT_EXPERTS,
                      .other = DECODER_MLP "experts.down_proj",
                      .in_other = LAYOUT_EXPERTS},
};

// How many experts there are, under either of the names that the classes give it.
static status read_experts(const config_file *f, const sparse_class *class, model_info *i)
{
    status st;
    static const char *const keys[] = {"num_experts", "num_local_experts"};
    int count[2];
    for (int k = 0; k < 2; k++)
        TRY(config_int(f, keys[k], 1, MAX_EXPERTS, config_has(f, keys[1 - k]) ? 0 : class->experts,
                       &count[k]));
    if (count[0] > 0 && count[1] > 0 && count[0] != count[1]) {
        st = status_fail(ERR_INPUT, config_file_path(f),
                         "\"num_experts\" is %d, but \"num_local_experts\" %d", count[0], count[1]);
        goto done;
    }
    i->experts = count[0] > 0 ? count[0] : count[1];
    TRY(config_int(f, "num_experts_per_tok", 1, MAX_EXPERTS, class->per_token,
                   &i->experts_per_token));
    if (i->experts_per_token > i->experts)
        st = status_fail(
            ERR_INPUT, config_file_path(f), "\"%s\" %d is more than the %d experts that there are",
            config_file_shown(f, "num_experts_per_tok"), i->experts_per_token, i->experts);
done:
    return st;
}

status sparse_configure(const config_file *f, const sparse_class *class, config *out)
{
    status st;
    // Relatives have these, and what they do would not be done.
    static const char *const unsupported[] = {
        "clip_qkv",
        "mlp_only_layers",
        "mlp_bias",
        "moe_layer_freq",
        "n_group",
        "n_shared_experts",
        "num_shared_experts",
        "routed_scaling_factor",
        "scoring_func",
        "shared_expert_intermediate_size",
    };
    model_info *i = &out->info;
    int step;
    i->gated = i->apart = true;
    TRY(config_text_model(f, &class->text, out));
    TRY(config_refuse(f, unsupported, sizeof unsupported / sizeof *unsupported));
    TRY(config_int(f, "decoder_sparse_step", 1, 1 << 20, 1, &step));
    if (step != 1) {
        st = status_fail(ERR_INPUT, config_file_path(f),
                         "\"decoder_sparse_step\" %d is not supported: every layer must be a "
                         "mixture of experts",
                         step);
        goto done;
    }
    TRY(read_experts(f, class, i));
    i->d_expert = i->d_mlp;
    if ((int64_t)i->experts * i->d_expert > MAX_NEURONS) {
        st = status_fail(ERR_INPUT, config_file_path(f), "%d experts of %d neurons are too many",
                         i->experts, i->d_expert);
        goto done;
    }
    i->d_mlp = i->experts * i->d_expert;
    out->share_weights = true;
    if (!class->always_shares)
        TRY(config_bool(f, "norm_topk_prob", false, &out->share_weights));
    if (i->head_dim % 2 != 0)
        st = status_fail(ERR_INPUT, config_file_path(f), "\"head_dim\" %d is odd", i->head_dim);
    else
        TRY(config_rotary(f, &(rotary_class){.theta = class->theta}, i->head_dim, &out->rotary));
done:
    return st;
}
