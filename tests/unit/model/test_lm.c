// SPDX-License-Identifier: Apache-2.0
// Language models of every family against PyTorch: logits, answers, statistics of every neuron,
// what is left of them when neurons are pruned; from safetensors and from GGUF files.
#include "altered.h"

static void check_answers(const lm *x)
{
    const int32_t *rank = lm_ints(x, "rank");
    for (int64_t t = 0; t < x->tokens; t++) {
        if (rank[t] < 0)
            continue;
        int32_t told_apart = rank[t] < PREDICTION_RANKS ? rank[t] : PREDICTION_RANKS;
        assert_int_equal(x->answers[t].rank, told_apart);
        assert_true(fabs((double)x->answers[t].loss - (double)lm_reals(x, "loss")[t]) < 1e-4);
        if (rank[t] == 0)
            assert_int_equal(x->answers[t].top1, lm_target(x, t));
    }
}

// One sample a tile, all samples in one; on one thread, on three; candidates and all logits.
static void test_logits(void **state)
{
    (void)state;
    for (int i = 0; i < LM_CASES; i++) {
        lm x;
        lm_open(&x, lm_cases[i].name, lm_cases[i].model);
        assert_ok(lm_run(&x));
        double off = lm_distance(&x, "logits");
        print_message("%s: logits within %.1e\n", lm_cases[i].model, off);
        assert_true(off < 1e-4);
        check_answers(&x);
        x.tile_samples = x.samples;
        x.whole = true;
        assert_ok(lm_run(&x));
        assert_true(lm_distance(&x, "logits") < 1e-4);
        check_answers(&x);
        x.tile_samples = 2;
        x.threads = 3;
        x.read = true; // all rows of the last layer
        assert_ok(lm_run(&x));
        assert_true(lm_distance(&x, "logits") < 1e-4);
        check_answers(&x);
        lm_close(&x);
    }
}

// The largest difference of a statistic's mean from the fixture's, relative to its largest value.
static double statistics_distance(const lm *x)
{
    double most = 0;
    for (site s = 0; s < SITE_EXPERT; s++) {
        const size_t n = (size_t)x->info->layers * (size_t)model_site_width(x->info, s);
        for (int k = 0; k < LM_STATISTICS; k++) {
            char name[64];
            snprintf(name, sizeof name, "%s_%s", site_names[s], lm_statistic_names[k]);
            assert_int_equal(lm_expected(x, name)->elements, n);
            double largest = 1e-9, off = 0;
            for (size_t u = 0; u < n; u++) {
                double mean = x->sums[s][(size_t)k * n + u] / (double)x->tokens;
                double want = (double)lm_reals(x, name)[u];
                largest = fmax(largest, fabs(want));
                off = fmax(off, fabs(mean - want));
            }
            most = fmax(most, off / largest);
        }
    }
    return most;
}

static void test_statistics(void **state)
{
    (void)state;
    for (int i = 0; i < LM_CASES; i++) {
        lm x;
        lm_open(&x, lm_cases[i].name, lm_cases[i].model);
        x.read = true;
        assert_ok(lm_run(&x));
        double off = statistics_distance(&x);
        print_message("%s: statistics within %.1e\n", lm_cases[i].model, off);
        assert_true(off < 1e-4);
        x.sums[SITE_ATTN][3] += 0.1 * (double)x.tokens; // the twin
        assert_true(statistics_distance(&x) > 1e-3);
        lm_close(&x);
    }
}

static void test_pruned(void **state)
{
    (void)state;
    for (int i = 0; i < LM_CASES; i++) {
        lm x;
        lm_open(&x, lm_cases[i].name, lm_cases[i].model);
        const uint8_t *pruned[SITES] = {lm_expected(&x, "mask_mlp")->bytes,
                                        lm_expected(&x, "mask_attn")->bytes};
        model_mask *mask = NULL;
        assert_ok(model_mask_new(x.m, NULL, pruned, &mask));
        x.mask = mask;
        assert_ok(lm_run(&x)); // pruned neurons have left the products
        assert_true(lm_distance(&x, "logits_masked") < 1e-4);
        x.read = true; // they are set to zero
        assert_ok(lm_run(&x));
        assert_true(lm_distance(&x, "logits_masked") < 1e-4);
        model_mask_free(mask);
        pruned[SITE_ATTN] = NULL; // the twin
        assert_ok(model_mask_new(x.m, NULL, pruned, &mask));
        x.mask = mask;
        assert_ok(lm_run(&x));
        assert_true(lm_distance(&x, "logits_masked") > 1e-3);
        model_mask_free(mask);
        lm_close(&x);
    }
}

// Configurations that are read wrongly.
static const struct {
    const char *name, *from, *to;
} faults[] = {
    {"lm-llama", "\"rope_theta\": 500.0", "\"rope_theta\": 10000.0"},
    {"lm-llama", "\"rms_norm_eps\": 1e-06", "\"rms_norm_eps\": 1e-02"},
    {"lm-mistral", "\"sliding_window\": 7", "\"sliding_window\": 8"},
    {"lm-mistral", "\"sliding_window\": 7", "\"sliding_window\": null"},
    {"lm-mistral", "\"rope_theta\": 10000.0", "\"rope_theta\": 9000.0"},
    {"lm-llama3", "\"rope_type\": \"llama3\"", "\"rope_type\": \"default\""},
    {"lm-llama3", "\"high_freq_factor\": 4.0", "\"high_freq_factor\": 5.0"},
    {"lm-llama3", "\"original_max_position_embeddings\": 24",
     "\"original_max_position_embeddings\": 2048"},
    {"lm-smollm", "\"factor\": 2.5", "\"factor\": 1.0"},
    {"lm-yarn", "\"rope_type\": \"yarn\"", "\"rope_type\": \"default\""},
    {"lm-yarn", "\"truncate\": false", "\"truncate\": true"},
    {"lm-yarn", "\"beta_fast\": 1.5", "\"beta_fast\": 3.0"},
    {"lm-yarn2", "\"original_max_position_embeddings\": 16",
     "\"original_max_position_embeddings\": 64"},
    {"lm-yarn2", "\"factor\": 8.0", "\"attention_factor\": 1.0, \"factor\": 8.0"},
    {"lm-dynamic", "\"factor\": 2.0", "\"factor\": 1.0"},
    {"lm-dynamic", "\"max_position_embeddings\": 24", "\"max_position_embeddings\": 25"},
    {"lm-longrope", "\"original_max_position_embeddings\": 24",
     "\"original_max_position_embeddings\": 48"},
    {"lm-longrope", "\"original_max_position_embeddings\": 24",
     "\"original_max_position_embeddings\": 12"},
    {"lm-llama3", "\"hidden_act\": \"relu\"", "\"hidden_act\": \"silu\""},
    {"lm-neox", "\"rotary_pct\": 0.43", "\"rotary_pct\": 0.3"},
    {"lm-neox", "\"rotary_emb_base\": 900.0", "\"rotary_emb_base\": 10000"},
    {"lm-neox", "\"use_parallel_residual\": true", "\"use_parallel_residual\": false"},
    {"lm-neox", "\"layer_norm_eps\": 1e-05", "\"layer_norm_eps\": 1e-02"},
    {"lm-neox-serial", "\"use_parallel_residual\": false", "\"use_parallel_residual\": true"},
    {"lm-neox-serial", "\"partial_rotary_factor\": 1.0", "\"partial_rotary_factor\": 0.5"},
    {"lm-olmo2", "\"rms_norm_eps\": 1e-05", "\"rms_norm_eps\": 1e-02"},
    {"lm-olmo2", "\"rope_theta\": 800.0", "\"rope_theta\": 900.0"},
    {"lm-olmo3", "\"sliding_window\": 6", "\"sliding_window\": 7"},
    {"lm-olmo3", "\"sliding_window\": 6", "\"sliding_window\": null"},
    {"lm-olmo3", "\"full_attention\"\n", "\"sliding_attention\"\n"},
    {"lm-olmo3", "\"sliding_attention\",\n  \"sliding_attention\"",
     "\"full_attention\",\n  \"sliding_attention\""},
    {"lm-olmo3", "\"factor\": 4.0", "\"factor\": 5.0"},
    {"lm-gemma", "\"hidden_act\": \"gelu\"", "\"hidden_act\": \"silu\""},
    {"lm-gemma", "\"rope_theta\": 10000.0", "\"rope_theta\": 5000.0"},
    {"lm-gemma2", "\"query_pre_attn_scalar\": 6", "\"query_pre_attn_scalar\": 7"},
    {"lm-gemma2", "\"attn_logit_softcapping\": 1.5", "\"attn_logit_softcapping\": 1.6"},
    {"lm-gemma2", "\"attn_logit_softcapping\": 1.5", "\"attn_logit_softcapping\": null"},
    {"lm-gemma2", "\"final_logit_softcapping\": 4.0", "\"final_logit_softcapping\": 4.1"},
    {"lm-gemma2", "\"sliding_window\": 8", "\"sliding_window\": 9"},
    {"lm-gemma2", "\"gelu_pytorch_tanh\"", "\"relu\""},
    {"lm-gemma3", "\"rope_local_base_freq\": 300.0", "\"rope_local_base_freq\": 400"},
    {"lm-gemma3", "\"rope_theta\": 2000.0", "\"rope_theta\": 300.0"},
    {"lm-gemma3", "\"factor\": 3.0", "\"factor\": 2.0"},
    {"lm-gemma3", "\"query_pre_attn_scalar\": 12", "\"query_pre_attn_scalar\": 256"},
    {"lm-phi", "\"partial_rotary_factor\": 0.6", "\"partial_rotary_factor\": 0.4"},
    {"lm-phi", "\"layer_norm_eps\": 1e-05", "\"layer_norm_eps\": 1e-02"},
    {"lm-phi", "\"gelu_new\"", "\"relu\""},
    {"lm-phi3", "\"sliding_window\": 13", "\"sliding_window\": 14"},
    {"lm-phi3", "\"sliding_window\": 13", "\"sliding_window\": null"},
    {"lm-phi3", "\"original_max_position_embeddings\": 24",
     "\"original_max_position_embeddings\": 48"},
    {"lm-phi3", "\"max_position_embeddings\": 96", "\"max_position_embeddings\": 48"},
    {"lm-opt", "\"activation_function\": \"relu\"", "\"activation_function\": \"gelu\""},
    {"lm-opt-350m", "\"activation_function\": \"relu\"", "\"activation_function\": \"silu\""},
    {"lm-bert", "\"hidden_act\": \"gelu\"", "\"hidden_act\": \"relu\""},
    {"lm-bert", "\"layer_norm_eps\": 1e-12", "\"layer_norm_eps\": 1e-02"},
    {"lm-bert-untied", "\"tie_word_embeddings\": false", "\"tie_word_embeddings\": true"},
    {"lm-bert-untied", "\"hidden_act\": \"relu\"", "\"hidden_act\": \"gelu\""},
    {"lm-roberta", "\"hidden_act\": \"relu\"", "\"hidden_act\": \"gelu\""},
    {"lm-roberta", "\"pad_token_id\": 1", "\"pad_token_id\": 0"},
    {"lm-roberta", "\"layer_norm_eps\": 1e-05", "\"layer_norm_eps\": 1e-02"},
    {"lm-camembert", "\"pad_token_id\": 5", "\"pad_token_id\": 4"},
    {"lm-gpt2", "\"layer_norm_epsilon\": 1e-05", "\"layer_norm_epsilon\": 1e-02"},
    {"lm-gpt2", "\"gelu_new\"", "\"relu\""},
    {"lm-gpt2", "\"scale_attn_weights\": true", "\"scale_attn_weights\": false"},
    {"lm-gpt2-layers", "\"scale_attn_by_inverse_layer_idx\": true",
     "\"scale_attn_by_inverse_layer_idx\": false"},
    {"lm-gpt2-layers", "\"scale_attn_weights\": false", "\"scale_attn_weights\": true"},
    {"lm-qwen2-window", "\"sliding_window\": 5", "\"sliding_window\": 6"},
    {"lm-qwen2-window", "\"full_attention\"", "\"sliding_attention\""},
    {"lm-qwen3-window", "\"max_window_layers\": 1", "\"max_window_layers\": 2"},
    {"lm-qwen3-window", "\"max_window_layers\": 1", "\"max_window_layers\": 0"},
    {"lm-qwen3-window", "\"max_window_layers\": 1", "\"max_window_layers\": 28"},
    {"lm-qwen3-window", "\"use_sliding_window\": true", "\"use_sliding_window\": false"},
};

// Twins: each must show in the logits.
static void test_a_fault_shows(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++) {
        altered a;
        char folder[128];
        lm x;
        snprintf(folder, sizeof folder, LM_MODELS "%s", faults[i].name);
        altered_new(&a, folder, faults[i].from, faults[i].to);
        lm_open(&x, faults[i].name, a.folder);
        assert_ok(lm_run(&x));
        if (!(lm_distance(&x, "logits") > 1e-3))
            fail_msg("%s for %s did not show", faults[i].to, faults[i].from);
        lm_close(&x);
        altered_free(&a);
    }
}

// Both spellings of rotary positions say the same.
static void test_spellings(void **state)
{
    (void)state;
    static const struct {
        const char *name, *from, *to;
    } same[] = {
        {"lm-mistral", "\"rope_theta\": 10000.0,\n \"rope_scaling\": null",
         "\"rope_parameters\": {\"rope_type\": \"default\", \"rope_theta\": 10000.0}"},
        {"lm-mistral", ",\n \"rope_theta\": 10000.0,\n \"rope_scaling\": null", ""},
        {"lm-llama3", "\"rope_type\": \"llama3\"", "\"type\": \"llama3\""},
        {"lm-llama", "\"rope_parameters\": {", "\"rope_theta\": 500, \"rope_scaling\": {"},
        {"lm-llama", "\"rope_parameters\": {", // files for several versions have both
         "\"rope_scaling\": {\"type\": \"default\", \"rope_theta\": 500}, \"rope_parameters\": {"},
        {"lm-longrope", "\"rope_type\": \"longrope\"", "\"type\": \"su\""},
        {"lm-gemma", "\"hidden_act\": \"gelu\"", "\"hidden_act\": \"gelu_pytorch_tanh\""},
        {"lm-gemma", "\"hidden_act\": \"gelu\"",
         "\"hidden_act\": \"gelu\", \"hidden_activation\": \"gelu_pytorch_tanh\""},
        {"lm-phi3", "\"type\": \"longrope\"", "\"type\": \"su\""},
        {"lm-roberta", "\"pad_token_id\": 1,\n", ""},
        {"lm-xlm-roberta", "\"model_type\": \"xlm-roberta\"",
         "\"model_type\": \"xlm-roberta\", \"position_embedding_type\": \"absolute\""},
        {"lm-gpt2", "\"n_embd\"", "\"hidden_size\""},
        {"lm-gpt2", "\"n_layer\"", "\"num_hidden_layers\""},
        {"lm-gpt2-layers", "\"reorder_and_upcast_attn\": true",
         "\"reorder_and_upcast_attn\": false"},
        {"lm-qwen3-window", "\"max_window_layers\": 1",
         "\"layer_types\": [\"full_attention\", \"sliding_attention\", \"sliding_attention\"]"},
    };
    for (size_t i = 0; i < sizeof same / sizeof *same; i++) {
        altered a;
        char folder[128];
        lm x;
        snprintf(folder, sizeof folder, LM_MODELS "%s", same[i].name);
        altered_new(&a, folder, same[i].from, same[i].to);
        lm_open(&x, same[i].name, a.folder);
        assert_ok(lm_run(&x));
        assert_true(lm_distance(&x, "logits") < 1e-4);
        lm_close(&x);
        altered_free(&a);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_logits),    cmocka_unit_test(test_statistics),
        cmocka_unit_test(test_pruned),    cmocka_unit_test(test_a_fault_shows),
        cmocka_unit_test(test_spellings),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
