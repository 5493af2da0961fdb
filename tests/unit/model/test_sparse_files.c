// SPDX-License-Identifier: Apache-2.0
// What is read of mixtures of experts: configurations, those of published models among them, what
// is refused and why, and where each expert's weights lie.
#include "altered.h"

// Twins: a configuration that is read wrongly must show in the logits.
static void test_a_fault_shows(void **state)
{
    (void)state;
    static const struct {
        const char *name, *from, *to;
    } faults[] = {
        {"lm-mixtral-fused", "\"num_experts_per_tok\": 2", "\"num_experts_per_tok\": 3"},
        {"lm-mixtral-fused", "\"sliding_window\": 9", "\"sliding_window\": null"},
        {"lm-mixtral-fused", "\"rope_theta\": 900.0", "\"rope_theta\": 10000"},
        {"lm-qwen3-moe", "\"norm_topk_prob\": true", "\"norm_topk_prob\": false"},
        {"lm-qwen3-moe", "\"num_experts_per_tok\": 3", "\"num_experts_per_tok\": 2"},
        {"lm-olmoe", "\"norm_topk_prob\": false", "\"norm_topk_prob\": true"},
        {"lm-olmoe", "\"hidden_act\": \"silu\"", "\"hidden_act\": \"gelu\""},
    };
    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++) {
        altered a;
        char folder[128];
        lm x;
        snprintf(folder, sizeof folder, LM_MODELS "%s", faults[i].name);
        altered_new(&a, folder, faults[i].from, faults[i].to);
        lm_open(&x, strcmp(faults[i].name, "lm-mixtral-fused") ? faults[i].name : "lm-mixtral",
                a.folder);
        assert_ok(lm_run(&x));
        if (!(lm_distance(&x, "logits") > 1e-3))
            fail_msg("%s for %s did not show", faults[i].to, faults[i].from);
        lm_close(&x);
        altered_free(&a);
    }
}

// What is wrong with a configuration, and what the refusal says; "": it is taken.
static void test_configurations(void **state)
{
    (void)state;
    static const struct {
        const char *name, *from, *to, *message;
    } cases[] = {
        {"lm-qwen3-moe", "num_local_experts", "num_experts", ""},
        {"lm-qwen3-moe", "\"num_local_experts\": 9", "\"num_local_experts\": 9, \"num_experts\": 9",
         ""},
        {"lm-qwen3-moe", "\"num_local_experts\": 9", "\"num_local_experts\": 9, \"num_experts\": 8",
         "\"num_experts\" is 8, but \"num_local_experts\" 9"},
        {"lm-qwen3-moe", "\"num_local_experts\": 9", "\"num_local_experts\": 8",
         "shape [9, 28], but the configuration makes it [8, 28]"},
        {"lm-qwen3-moe", "\"num_local_experts\": 9", "\"num_local_experts\": 10",
         "shape [9, 28], but the configuration makes it [10, 28]"},
        {"lm-qwen3-moe", "\"num_local_experts\": 9", "\"num_local_experts\": 0",
         "num_local_experts"},
        {"lm-qwen3-moe", "\"num_local_experts\": 9", "\"num_local_experts\": 9e9",
         "num_local_experts"},
        {"lm-qwen3-moe", "\"num_experts_per_tok\": 3", "\"num_experts_per_tok\": 10",
         "more than the 9 experts"},
        {"lm-qwen3-moe", "\"num_experts_per_tok\": 3", "\"num_experts_per_tok\": 0",
         "num_experts_per_tok"},
        {"lm-qwen3-moe", "\"moe_intermediate_size\": 21", "\"moe_intermediate_size\": 22",
         "shape [21, 28], but the configuration makes it [22, 28]"},
        {"lm-qwen3-moe", "\"moe_intermediate_size\": 21", "\"moe_intermediate_size\": 1000000",
         "too many"},
        {"lm-qwen3-moe", "\"decoder_sparse_step\": 1", "\"decoder_sparse_step\": 2",
         "decoder_sparse_step"},
        {"lm-qwen3-moe", "\"mlp_only_layers\": []", "\"mlp_only_layers\": [0]",
         "\"mlp_only_layers\" is not supported"},
        {"lm-qwen3-moe", "\"use_cache\": true", "\"shared_expert_intermediate_size\": 8",
         "\"shared_expert_intermediate_size\" is not supported"},
        {"lm-qwen3-moe", "\"use_sliding_window\": false,",
         "\"use_sliding_window\": true, \"sliding_window_\": 1,", ""},
        {"lm-qwen3-moe", "\"use_sliding_window\": false,", // a window that is null is none
         "\"use_sliding_window\": true, \"layer_types\": [\"full_attention\", "
         "\"full_attention\", \"full_attention\"],",
         ""},
        {"lm-qwen3-moe",
         "\"sliding_window\": null,\n \"tie_word_embeddings\": false,\n "
         "\"transformers_version\": \"5.24.0\",\n \"use_cache\": true,\n "
         "\"use_sliding_window\": false,",
         "\"use_sliding_window\": true, \"layer_types\": [\"full_attention\"],",
         "full_attention is not supported in this model; sliding_attention is"},
        {"lm-olmoe", "\"clip_qkv\": null", "\"clip_qkv\": 8.0", "\"clip_qkv\" is not supported"},
        {"lm-mixtral-fused", "\"num_local_experts\": 5", "\"num_local_experts\": 6",
         "the configuration makes it [6, 36]"},
        {"lm-mixtral-fused", "\"intermediate_size\": 45", "\"intermediate_size\": 44",
         "shape [5, 90, 36], but the configuration makes it [5, 88, 36]"},
        {"lm-qwen3", "\"use_cache\": true", "\"num_experts\": 4", "num_experts"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        altered a;
        char folder[128];
        model *m = NULL;
        snprintf(folder, sizeof folder, LM_MODELS "%s", cases[i].name);
        altered_new(&a, folder, cases[i].from, cases[i].to);
        const status st = model_open(&(model_options){.path = a.folder}, NULL, &m);
        if (st != (*cases[i].message ? ERR_INPUT : OK) ||
            (st != OK && !strstr(status_text(), cases[i].message)))
            fail_msg("%s: \"%s\" (%d)", cases[i].to, status_text(), (int)st);
        model_close(m);
        altered_free(&a);
    }
}

// W_in of a layer is its experts', one after the other.
static void test_w_in(void **state)
{
    (void)state;
    for (int i = 0; i < 2; i++) { // in tensors of their own, and in one
        lm x;
        size_t at = 0;
        lm_open(&x, "lm-mixtral", i == 0 ? LM_MODELS "lm-mixtral" : LM_MODELS "lm-mixtral-fused");
        const size_t n = (size_t)x.info->d_mlp * (size_t)x.info->hidden_size;
        float *w = malloc(n * sizeof *w);
        float *last = malloc(n * sizeof *last);
        assert_ok(model_w_in(x.m, 0, w));
        assert_ok(model_w_in(x.m, 1, last));
        safetensors *file = NULL;
        assert_ok(safetensors_open(LM_MODELS "lm-mixtral-fused/model.safetensors", &file));
        while (strcmp(safetensors_at(file, at)->name, "model.layers.1.mlp.experts.gate_up_proj"))
            at++;
        const unsigned char *bytes = safetensors_at(file, at)->bytes;
        const size_t one = n / (size_t)x.info->experts;
        for (size_t k = 0; k < n; k++) { // bf16: the upper half of a float32
            const size_t in_file = k / one * 2 * one + one + k % one;
            const uint32_t bits =
                (uint32_t)bytes[2 * in_file] << 16 | (uint32_t)bytes[2 * in_file + 1] << 24;
            assert_memory_equal(&last[k], &bits, sizeof bits);
        }
        assert_memory_not_equal(w, last, n * sizeof *w);
        safetensors_close(file);
        free(w);
        free(last);
        lm_close(&x);
    }
}

// The sizes of published models, by their configurations: as many parameters as their files hold.
static void test_published(void **state)
{
    (void)state;
    static const struct {
        const char *name, *config;
        int64_t parameters;
    } models[] = {
        {"Mixtral-8x7B-v0.1",
         "{\"architectures\": [\"MixtralForCausalLM\"], \"attention_dropout\": 0.0, "
         "\"bos_token_id\": 1, \"eos_token_id\": 2, \"hidden_act\": \"silu\", "
         "\"hidden_size\": 4096, \"initializer_range\": 0.02, \"intermediate_size\": 14336, "
         "\"max_position_embeddings\": 32768, \"model_type\": \"mixtral\", "
         "\"num_attention_heads\": 32, \"num_experts_per_tok\": 2, \"num_hidden_layers\": 32, "
         "\"num_key_value_heads\": 8, \"num_local_experts\": 8, \"output_router_logits\": false, "
         "\"rms_norm_eps\": 1e-05, \"rope_theta\": 1000000.0, \"router_aux_loss_coef\": 0.02, "
         "\"sliding_window\": null, \"tie_word_embeddings\": false, \"torch_dtype\": "
         "\"bfloat16\", \"transformers_version\": \"4.36.0.dev0\", \"use_cache\": true, "
         "\"vocab_size\": 32000}",
         46702792704},
        {"Qwen3-30B-A3B",
         "{\"architectures\": [\"Qwen3MoeForCausalLM\"], \"attention_bias\": false, "
         "\"attention_dropout\": 0.0, \"bos_token_id\": 151643, \"decoder_sparse_step\": 1, "
         "\"eos_token_id\": 151645, \"head_dim\": 128, \"hidden_act\": \"silu\", "
         "\"hidden_size\": 2048, \"initializer_range\": 0.02, \"intermediate_size\": 6144, "
         "\"max_position_embeddings\": 40960, \"max_window_layers\": 48, \"mlp_only_layers\": [], "
         "\"model_type\": \"qwen3_moe\", \"moe_intermediate_size\": 768, \"norm_topk_prob\": true, "
         "\"num_attention_heads\": 32, \"num_experts\": 128, \"num_experts_per_tok\": 8, "
         "\"num_hidden_layers\": 48, \"num_key_value_heads\": 4, \"output_router_logits\": false, "
         "\"rms_norm_eps\": 1e-06, \"rope_scaling\": null, \"rope_theta\": 1000000.0, "
         "\"router_aux_loss_coef\": 0.001, \"sliding_window\": null, \"tie_word_embeddings\": "
         "false, \"torch_dtype\": \"bfloat16\", \"use_cache\": true, \"use_sliding_window\": "
         "false, \"vocab_size\": 151936}",
         30532122624},
        {"OLMoE-1B-7B-0924",
         "{\"architectures\": [\"OlmoeForCausalLM\"], \"attention_bias\": false, "
         "\"attention_dropout\": 0.0, \"clip_qkv\": null, \"eos_token_id\": 50279, "
         "\"hidden_act\": \"silu\", \"hidden_size\": 2048, \"initializer_range\": 0.02, "
         "\"intermediate_size\": 1024, \"max_position_embeddings\": 4096, \"model_type\": "
         "\"olmoe\", \"norm_topk_prob\": false, \"num_attention_heads\": 16, \"num_experts\": "
         "64, \"num_experts_per_tok\": 8, \"num_hidden_layers\": 16, \"num_key_value_heads\": "
         "16, \"output_router_logits\": false, \"pad_token_id\": 1, \"rms_norm_eps\": 1e-05, "
         "\"rope_scaling\": null, \"rope_theta\": 10000.0, \"router_aux_loss_coef\": 0.01, "
         "\"tie_word_embeddings\": false, \"use_cache\": true, \"vocab_size\": 50304}",
         6919161856},
    };
    for (size_t i = 0; i < sizeof models / sizeof *models; i++) {
        altered a;
        model *m = NULL;
        altered_new(&a, LM_MODELS "lm-llama", "{", "{");
        altered_write(&a, "config.json", models[i].config, strlen(models[i].config));
        assert_ok(model_open(&(model_options){.path = a.folder, .light = true}, NULL, &m));
        assert_string_equal(model_notes(m), ""); // nothing in it is read by nobody
        if (model_get_info(m)->parameters != models[i].parameters)
            fail_msg("%s: %lld parameters", models[i].name,
                     (long long)model_get_info(m)->parameters);
        model_close(m);
        altered_free(&a);
    }
}

// Relatives are refused for what they need.
static void test_relatives(void **state)
{
    (void)state;
    static const struct {
        const char *config, *message;
    } cases[] = {
        {"{\"model_type\": \"gpt_oss\"}",
         "gpt_oss is not supported: it needs attention sinks, biases of experts and clamped"},
        {"{\"model_type\": \"qwen2_moe\"}", "experts that every token goes through"},
        {"{\"model_type\": \"qwen4_moe\"}", "did you mean qwen3_moe?"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        altered a;
        model *m = NULL;
        altered_new(&a, LM_MODELS "lm-llama", "{", "{");
        altered_write(&a, "config.json", cases[i].config, strlen(cases[i].config));
        assert_int_equal(model_open(&(model_options){.path = a.folder}, NULL, &m), ERR_INPUT);
        if (!strstr(status_text(), cases[i].message))
            fail_msg("%s: \"%s\"", cases[i].config, status_text());
        altered_free(&a);
    }
}

// Experts in a GGUF file of an architecture that has none: its name stands in every key.
static void test_gguf_without_experts(void **state)
{
    (void)state;
    altered a;
    char path[128], *bytes = NULL, *at;
    size_t n;
    model *m = NULL;
    altered_new(&a, LM_MODELS "lm-llama", "{", "{");
    assert_ok(file_read(LM_MODELS "lm-qwen3-moe.gguf", 1 << 20, &bytes, &n));
    while ((at = memmem(bytes, n, "qwen3moe", 8)))
        memcpy(at, "gpt_neox", 8);
    altered_write(&a, "m.gguf", bytes, n);
    snprintf(path, sizeof path, "%s/m.gguf", a.folder);
    assert_int_equal(model_open(&(model_options){.path = path}, NULL, &m), ERR_INPUT);
    assert_non_null(strstr(status_text(), "gpt_neox.expert_count is not supported"));
    free(bytes);
    altered_free(&a);
}

// Random experts differ, and have the class's spread.
static void test_random(void **state)
{
    (void)state;
    model *m = NULL;
    assert_ok(model_open(
        &(model_options){.path = LM_MODELS "lm-qwen3-moe", .random = true, .seed = 3}, NULL, &m));
    const model_info *i = model_get_info(m);
    const size_t n = (size_t)i->d_mlp * (size_t)i->hidden_size, one = n / (size_t)i->experts;
    float *w = malloc(n * sizeof *w);
    double squares = 0;
    assert_ok(model_w_in(m, 1, w));
    for (size_t k = 0; k < n; k++)
        squares += (double)w[k] * (double)w[k];
    assert_true(fabs(sqrt(squares / (double)n) / 0.25 - 1) < 5 / sqrt(2.0 * (double)n));
    for (int e = 1; e < i->experts; e++)
        assert_memory_not_equal(w, w + (size_t)e * one, one * sizeof *w);
    free(w);
    model_close(m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_fault_shows), cmocka_unit_test(test_configurations),
        cmocka_unit_test(test_w_in),          cmocka_unit_test(test_published),
        cmocka_unit_test(test_relatives),     cmocka_unit_test(test_gguf_without_experts),
        cmocka_unit_test(test_random),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
