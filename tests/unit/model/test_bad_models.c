// SPDX-License-Identifier: Apache-2.0
// Models whose configuration, weights or GGUF file lie: refused by name with the right exit code,
// at once, in little memory; a file that shrinks while it is in use.
#include "altered.h"

#include <sys/resource.h>
#include <time.h>

#include "pipeline/base/rng.h"

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static long peak_kilobytes(void)
{
    struct rusage use;
    getrusage(RUSAGE_SELF, &use);
    return use.ru_maxrss;
}

// Opening it must fail so, within a second and 64 MB; `message` and the path are in the text.
static void expect_refused(const char *path, status code, const char *message)
{
    model *m = NULL;
    double begin = now();
    long before = peak_kilobytes();
    status st = model_open(&(model_options){.path = path}, NULL, &m);
    if (st != code || !strstr(status_text(), message) || !strstr(status_text(), path))
        fail_msg("expected \"%s\" (%d) of %s, got %d \"%s\"", message, (int)code, path, (int)st,
                 status_text());
    assert_null(m);
    assert_true(now() - begin < 1);
    assert_true(peak_kilobytes() - before < 64 * 1024);
}

// What is wrong with a configuration, and what the refusal says.
static const struct {
    const char *name, *from, *to, *message;
} configuration_faults[] = {
    {"lm-llama", "\"num_hidden_layers\": 3", "\"num_hidden_layers\": 0", "num_hidden_layers"},
    {"lm-llama", "\"num_hidden_layers\": 3", "\"num_hidden_layers\": 1000000000",
     "num_hidden_layers"},
    {"lm-llama", "\"num_hidden_layers\": 3", "\"num_hidden_layers\": 4", "is missing"},
    {"lm-llama", "\"num_key_value_heads\": 3", "\"num_key_value_heads\": 0", "num_key_value_heads"},
    {"lm-llama", "\"num_key_value_heads\": 3", "\"num_key_value_heads\": 4", "does not divide"},
    {"lm-llama", "\"num_key_value_heads\": 3", "\"num_key_value_heads\": 12", "does not divide"},
    {"lm-llama", "\"num_key_value_heads\": 3", "\"num_key_value_heads\": 2", "shape [30, 42]"},
    {"lm-llama", "\"head_dim\": 10", "\"head_dim\": 9", "is odd"},
    {"lm-llama", "\"head_dim\": 10", "\"head_dim\": 65536,\"num_attention_heads\": 131072",
     "duplicate"},
    {"lm-qwen2", "\"num_attention_heads\": 7", "\"num_attention_heads\": 5", "no multiple"},
    {"lm-llama", "\"hidden_size\": 42", "\"hidden_size\": 43", "shape ["},
    {"lm-llama", "\"hidden_size\": 42", "\"hidden_size\": 4.2e1", "hidden_size"},
    {"lm-llama", "\"hidden_size\": 42", "\"hidden_size\": \"42\"", "hidden_size"},
    {"lm-llama", "\"hidden_size\": 42,", "", "\"hidden_size\" is missing"},
    {"lm-llama", "\"hidden_act\": \"silu\"", "\"hidden_act\": \"mish\"", "mish"},
    {"lm-llama", "\"intermediate_size\": 53", "\"intermediate_size\": [53, 40, 53]",
     "\"intermediate_size\" is a list: layers of different width"},
    {"lm-llama", "\"num_key_value_heads\": 3", "\"num_key_value_heads\": [3, 3, 2]",
     "\"num_key_value_heads\" is a list"},
    {"lm-llama", "\"rms_norm_eps\": 1e-06", "\"rms_norm_eps\": -1", "rms_norm_eps"},
    {"vit-silu", "\"image_size\": 8", "\"image_size\": [8, 8, 3]", "or two: height and width"},
    {"lm-llama", "\"vocab_size\": 97", "\"vocab_size\": 96", "shape [97, 42]"},
    {"lm-llama", "\"mlp_bias\": true", "\"mlp_bias\": \"yes\"", "mlp_bias"},
    {"lm-llama", "\"rope_type\": \"default\"", "\"rope_type\": \"yarn\"", "yarn needs"},
    {"lm-llama", "\"rope_type\": \"default\"", "\"rope_type\": \"dynamic\"", "dynamic needs"},
    {"lm-llama", "\"rope_type\": \"default\"", "\"rope_type\": \"longrope\"", "longrope needs"},
    {"lm-llama", "\"rope_type\": \"default\"", "\"rope_type\": \"proportional\"",
     "proportional is not supported"},
    {"lm-yarn", "\"beta_fast\": 1.5", "\"beta_fast\": 0.4", "beta_fast"},
    {"lm-yarn", "\"truncate\": false", "\"truncate\": 0", "truncate"},
    {"lm-yarn", "\"factor\": 3.0", "\"factor\": -3.0", "factor"},
    {"lm-dynamic", "\"factor\": 2.0", "\"factor\": 0.5", "dynamic needs"},
    {"lm-longrope", "\"short_factor\": [", "\"short_factor\": [1.0, ", "short_factor"},
    {"lm-longrope", "\"long_factor\"", "\"mscale\"", "long_factor"},
    {"lm-llama", "\"rope_type\": \"default\"", "\"rope_type\": 7", "(no text)"},
    {"lm-llama", "\"rope_type\": \"default\"", "\"mrope_section\": [2, 2, 1]",
     "rope_parameters.mrope_section"},
    {"lm-llama", "\"rope_theta\": 500.0", "\"rope_theta\": 0", "rope_theta"},
    {"lm-llama", "\"rope_theta\": 500.0", "\"partial_rotary_factor\": 0.5",
     "partial_rotary_factor"},
    {"lm-llama", "\"rope_parameters\": {", "\"rope_scaling\": [], \"rope_parameters\": {",
     "must be an object"},
    {"lm-llama", "\"rope_parameters\": {",
     "\"rope_scaling\": {\"rope_type\": \"default\", \"rope_theta\": 600}, "
     "\"rope_parameters\": {",
     "contradict"},
    {"lm-llama", "\"rope_parameters\": {",
     "\"rope_scaling\": {\"type\": \"linear\", \"factor\": 2}, \"rope_parameters\": {",
     "contradict"},
    {"lm-llama3", "\"high_freq_factor\": 4.0", "\"high_freq_factor\": 1.0", "must be above"},
    {"lm-llama", "\"model_type\": \"llama\"", "\"model_type\": \"lama\"", "did you mean llama"},
    {"lm-llama", "\"model_type\": \"llama\"", "\"model_type\": \"mamba\"", "known: vit"},
    {"lm-llama", "LlamaForCausalLM", "Llama4ForCausalLM", "LlamaForCausalLM"},
    {"lm-llama", "\"mlp_bias\": true", "\"quantization_config\": {\"bits\": 4}",
     "quantization_config"},
    {"lm-llama", "\"mlp_bias\": true", "\"final_logit_softcapping\": 30.0",
     "final_logit_softcapping"},
    {"lm-llama", "\"mlp_bias\": true", "\"layer_types\": [\"sliding_attention\"]",
     "sliding_attention"},
    {"lm-qwen3", "\"attention_bias\": false", "\"num_experts\": 8", "num_experts"},
    {"lm-mistral", "\"attention_dropout\": 0.0", "\"embedding_multiplier\": 12.0",
     "embedding_multiplier"},
    {"lm-llama", "\"pad_token_id\": null", "\"pad_token_id\": -2", "pad_token_id"},
    {"lm-mistral", "\"sliding_window\": 7", "\"sliding_window\": -1", "sliding_window"},
    {"lm-mistral", "\"sliding_window\": 7", "\"attention_bias\": true", "attention_bias"},
    {"lm-qwen2", "\"use_sliding_window\": false", "\"use_sliding_window\": 1",
     "use_sliding_window"},
    {"lm-qwen2", "\"max_window_layers\": 28", "\"max_window_layers\": -1", "max_window_layers"},
    {"lm-qwen2-window", "\"use_sliding_window\": true", "\"use_sliding_window\": false",
     "sliding_attention is not supported in this model"},
    {"lm-qwen2-window", "\"sliding_window\": 5", "\"sliding_window\": null",
     "sliding_attention is not supported in this model"},
    {"lm-qwen2-window", "\"sliding_window\": 5", "\"sliding_window\": 0", "sliding_window"},
    {"lm-qwen2-window", "\"full_attention\",\n", "", "2 for 3 layers"},
    {"lm-qwen3", "\"head_dim\": 18,", "", "makes it [128]"},
    {"lm-neox", "\"rotary_pct\": 0.43", "\"rotary_pct\": 0.36", "5 channels"},
    {"lm-neox", "\"rotary_pct\": 0.43", "\"rotary_pct\": 1.5", "rotary_pct"},
    {"lm-neox", "\"hidden_size\": 42", "\"hidden_size\": 43", "no multiple"},
    {"lm-neox", "\"attention_bias\": true", "\"num_key_value_heads\": 1", "num_key_value_heads"},
    {"lm-neox", "\"intermediate_size\": 50,", "", "shape [50, 42]"},
    {"lm-neox", "GPTNeoXForCausalLM", "GPTNeoXJapaneseForCausalLM", "GPTNeoXForCausalLM"},
    {"lm-neox-serial", "\"attention_bias\": false", "\"attention_bias\": true",
     "attention.dense.bias is missing"},
    {"lm-olmo2", "\"attention_bias\": true", "\"clip_qkv\": 8.0", "clip_qkv"},
    {"lm-olmo3", "\"sliding_window\": 6", "\"sliding_window\": -6", "sliding_window"},
    {"lm-olmo3", "\"sliding_attention\",\n", "", "2 for 3 layers"},
    {"lm-olmo3", "\"full_attention\"", "\"chunked_attention\"", "chunked_attention"},
    {"lm-olmo3", "\"full_attention\": {", "\"linear_attention\": {", "\"full_attention\" and"},
    {"lm-olmo3", "\"rope_parameters\"", "\"rope_scaling\": {}, \"rope_parameters\"",
     "no \"rope_scaling\" beside it"},
    {"lm-gemma2", "\"use_bidirectional_attention\": null", "\"use_bidirectional_attention\": true",
     "use_bidirectional_attention"},
    {"lm-gemma2", "\"attn_logit_softcapping\": 1.5", "\"attn_logit_softcapping\": -1.5",
     "attn_logit_softcapping"},
    {"lm-gemma2", "\"query_pre_attn_scalar\": 6", "\"query_pre_attn_scalar\": 0",
     "query_pre_attn_scalar"},
    {"lm-gemma3", "\"head_dim\": 12,", "", "makes it [256]"},
    {"lm-gemma3", "Gemma3ForCausalLM", "Gemma3ForConditionalGeneration", "Gemma3ForCausalLM"},
    {"lm-bert", "\"is_decoder\": false", "\"is_decoder\": true", "is_decoder"},
    {"lm-bert", "\"add_cross_attention\": false", "\"add_cross_attention\": true",
     "add_cross_attention"},
    {"lm-bert", "\"is_decoder\": false", "\"position_embedding_type\": \"relative_key\"",
     "relative_key is not supported"},
    {"lm-bert", "\"is_decoder\": false", "\"num_key_value_heads\": 1", "num_key_value_heads"},
    {"lm-bert", "\"is_decoder\": false", "\"head_dim\": 10", "head_dim"},
    {"lm-bert", "\"type_vocab_size\": 2", "\"type_vocab_size\": 0", "type_vocab_size"},
    {"lm-bert", "\"type_vocab_size\": 2", "\"type_vocab_size\": 3", "shape [2, 36]"},
    {"lm-bert", "\"tie_word_embeddings\": true", "\"tie_word_embeddings\": false",
     "cls.predictions.decoder.weight is missing"},
    {"lm-bert", "BertForMaskedLM", "BertLMHeadModel", "BertForMaskedLM is needed"},
    {"lm-roberta", "RobertaForMaskedLM", "RobertaForCausalLM", "RobertaForMaskedLM is needed"},
    {"lm-roberta", "\"pad_token_id\": 1", "\"pad_token_id\": null", "positions begin behind it"},
    {"lm-roberta", "\"max_position_embeddings\": 42", "\"max_position_embeddings\": 2",
     "positions begin behind it"},
    {"lm-camembert", "CamembertForMaskedLM", "RobertaForMaskedLM", "CamembertForMaskedLM is"},
    {"lm-phi", "\"qk_layernorm\": false", "\"qk_layernorm\": true", "qk_layernorm"},
    {"lm-phi3", "\"type\": \"longrope\"", "\"factor\": 4, \"type\": \"yarn\"", "Phi-3"},
    {"lm-phi3", "\"partial_rotary_factor\": 0.84", "\"partial_rotary_factor\": 0.7",
     "short_factor"},
    {"lm-phi3", "\"num_key_value_heads\": 1", "\"num_key_value_heads\": 3",
     "shape [60, 36], but the configuration makes it [108, 36]"},
    {"lm-phi3", "\"intermediate_size\": 49", "\"intermediate_size\": 50",
     "shape [98, 36], but the configuration makes it [100, 36]"},
    {"lm-opt", "\"do_layer_norm_before\": true", "\"do_layer_norm_before\": false",
     "final_layer_norm.bias is read by nobody"},
    {"lm-opt", "\"enable_bias\": true", "\"enable_bias\": false", "bias is read by nobody"},
    {"lm-opt", "\"_remove_final_layer_norm\": false", "\"_remove_final_layer_norm\": true",
     "final_layer_norm.bias is read by nobody"},
    {"lm-opt", "\"layer_norm_elementwise_affine\": true",
     "\"layer_norm_elementwise_affine\": false", "layer_norm_elementwise_affine"},
    {"lm-opt", "\"max_position_embeddings\": 48", "\"max_position_embeddings\": 50",
     "shape [50, 33], but the configuration makes it [52, 33]"},
    {"lm-opt", "\"do_layer_norm_before\": true", "\"do_layer_norm_before\": false",
     "final_layer_norm.bias is read by nobody"},
    {"lm-opt", "\"enable_bias\": true", "\"enable_bias\": false", "bias is read by nobody"},
    {"lm-opt-350m", "\"word_embed_proj_dim\": 18", "\"word_embed_proj_dim\": 33",
     "word_embed_proj_dim"},
    {"lm-opt-350m", "\"word_embed_proj_dim\": 18", "\"word_embed_proj_dim\": 17", "shape [66, 18]"},
    {"lm-opt-350m", "\"do_layer_norm_before\": false", "\"do_layer_norm_before\": true",
     "final_layer_norm.weight is missing"},
    {"lm-gemma3-images", "Gemma3ForConditionalGeneration", "PaliGemmaForConditionalGeneration",
     "Gemma3ForConditionalGeneration"},
    {"lm-gpt2", "\"scale_attn_weights\": true", "\"scale_attn_weights\": \"no\"",
     "scale_attn_weights"},
    {"lm-gpt2", "\"scale_attn_by_inverse_layer_idx\": false",
     "\"scale_attn_by_inverse_layer_idx\": 1", "scale_attn_by_inverse_layer_idx"},
    {"lm-gpt2", "\"add_cross_attention\": false", "\"add_cross_attention\": true",
     "add_cross_attention"},
    {"lm-gpt2", "\"n_inner\": 47", "\"n_inner\": null", "shape [35, 47]"},
    {"lm-gpt2", "{", "[", "config.json"},
};

static void test_configurations(void **unused)
{
    (void)unused;
    for (size_t i = 0; i < sizeof configuration_faults / sizeof *configuration_faults; i++) {
        altered a;
        char folder[128];
        snprintf(folder, sizeof folder, LM_MODELS "%s", configuration_faults[i].name);
        altered_new(&a, folder, configuration_faults[i].from, configuration_faults[i].to);
        expect_refused(a.folder, ERR_INPUT, configuration_faults[i].message);
        altered_free(&a);
    }
}

// A pass over the fixture's samples with whatever model opens: it must end, well or badly.
static void try_model(const char *path, const char *name)
{
    lm x;
    model *m = NULL;
    status st = model_open(&(model_options){.path = path}, NULL, &m);
    assert_true(st == OK || st == ERR_INPUT || st == ERR_NUMERIC);
    assert_true((st == OK) == (m != NULL));
    const int outputs = m ? model_get_info(m)->outputs : 0;
    const int64_t context = m ? model_get_info(m)->context : 0;
    model_close(m);
    if (st != OK || context > 1 << 20)
        return;
    lm_open(&x, name, path);
    if (outputs >= x.columns) {
        x.samples = 1;
        st = lm_run(&x);
        assert_true(st == OK || st == ERR_INPUT || st == ERR_NUMERIC);
    }
    lm_close(&x);
}

static void test_cut_and_flipped_configurations(void **unused)
{
    (void)unused;
    altered a;
    char path[128], *bytes = NULL;
    size_t n;
    altered_new(&a, LM_MODELS "lm-llama3", "{", "{");
    snprintf(path, sizeof path, "%s/config.json", a.folder);
    assert_ok(file_read(path, 1 << 20, &bytes, &n));
    while (n > 0 && bytes[n - 1] == '\n')
        n--;
    for (size_t cut = 0; cut < n; cut++) {
        altered_write(&a, "config.json", bytes, cut);
        model *m = NULL;
        assert_int_equal(model_open(&(model_options){.path = a.folder, .light = true}, NULL, &m),
                         ERR_INPUT);
    }
    rng r = rng_new(1, "config");
    for (size_t at = 0; at < n; at++) {
        char kept = bytes[at];
        bytes[at] = (char)(bytes[at] ^ (1 << rng_below(&r, at, 7)));
        altered_write(&a, "config.json", bytes, n);
        try_model(a.folder, "lm-llama3");
        bytes[at] = kept;
    }
    free(bytes);
    altered_free(&a);
}

// A GGUF file cut or damaged anywhere in its header, or in its data now and then.
static void test_cut_and_flipped_gguf(void **unused)
{
    (void)unused;
    altered a;
    char path[128], *bytes = NULL;
    size_t n;
    altered_new(&a, LM_MODELS "lm-qwen2", "{", "{");
    snprintf(path, sizeof path, "%s/m.gguf", a.folder);
    assert_ok(file_read(LM_MODELS "lm-qwen2.gguf", 1 << 20, &bytes, &n));
    const size_t header = 3200;
    for (size_t cut = 0; cut < n; cut += cut < header ? 7 : 997) {
        altered_write(&a, "m.gguf", bytes, cut);
        expect_refused(path, ERR_INPUT, "");
    }
    rng r = rng_new(1, "gguf");
    for (size_t at = 0; at < n; at += at < header ? 1 : 997) {
        char kept = bytes[at];
        bytes[at] = (char)(bytes[at] ^ (1 << rng_below(&r, at, 8)));
        altered_write(&a, "m.gguf", bytes, n);
        try_model(path, "lm-qwen2");
        bytes[at] = kept;
    }
    free(bytes);
    altered_free(&a);
}

// Behind a key's name come u32 type and its value; behind a tensor's name, u32 dimensions and their
// lengths.
static void test_gguf_metadata(void **unused)
{
    (void)unused;
    static const struct {
        const char *name, *from, *to;
        size_t n, at; // bytes of `to`, and where they begin, from the beginning of `from`
        const char *message;
    } faults[] = {
        {"lm-llama", "general.architecture", "llamb", 5, 32, "llamb"},
        {"lm-llama", "llama.block_count", "\xff\xff\xff\xff", 4, 21, "llama.block_count"},
        {"lm-llama", "llama.block_count", "\0\0\0\0", 4, 21, "llama.block_count"},
        {"lm-llama", "llama.block_count", "\x06", 1, 17, "llama.block_count"}, // a real number
        {"lm-llama", "llama.attention.head_count_kv", "\0", 1, 33, "head_count_kv"},
        {"lm-llama", "llama.attention.head_count_kv", "\4", 1, 33, "does not divide"},
        {"lm-llama", "llama.attention.value_length", "\x0b", 1, 32, "value_length"},
        {"lm-llama", "llama.rope.dimension_count", "\5", 1, 30, "rope.dimension_count"},
        {"lm-llama", "llama.rope.freq_base", "\0\0\xc0\x7f", 4, 24, "llama.rope.freq_base"},
        {"lm-llama", "llama.rope.dimension_count", "rope.dimension_sects", 20, 6,
         "llama.rope.dimension_sects is not supported"},
        {"lm-llama", "llama.context_length", "llama.expert_weights", 20, 0,
         "llama.expert_weights is not supported"},
        {"lm-llama", "blk.1.attn_q.bias", "blk.1.attn_s.bias", 17, 0, "blk.1.attn_"},
        {"lm-llama", "blk.0.ffn_up.bias", "blk.0.ffn_gp.bias", 17, 0, "blk.0.ffn_"},
        {"lm-smollm", "llama.rope.scaling.type", "yarn  ", 6, 35, "yarn"},
        {"lm-quants", "rope_freqs.weight", "rope_freqz.weight", 17, 0, "rope_freqz.weight"},
        {"lm-quants", "rope_freqs.weight", "\x0f", 1, 21, "rope_freqs.weight"},
    };
    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++) {
        altered a;
        char path[128], *bytes = NULL;
        size_t n;
        altered_new(&a, LM_MODELS "lm-qwen2", "{", "{");
        snprintf(path, sizeof path, LM_MODELS "%s.gguf", faults[i].name);
        assert_ok(file_read(path, 1 << 20, &bytes, &n));
        char *key = memmem(bytes, n, faults[i].from, strlen(faults[i].from));
        assert_non_null(key);
        memcpy(key + faults[i].at, faults[i].to, faults[i].n);
        snprintf(path, sizeof path, "%s/m.gguf", a.folder);
        altered_write(&a, "m.gguf", bytes, n);
        expect_refused(path, ERR_INPUT, faults[i].message);
        free(bytes);
        altered_free(&a);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_configurations),
        cmocka_unit_test(test_cut_and_flipped_configurations),
        cmocka_unit_test(test_cut_and_flipped_gguf),
        cmocka_unit_test(test_gguf_metadata),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
