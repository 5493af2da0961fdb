// SPDX-License-Identifier: Apache-2.0
// Configurations that say as little as they may, of every family: as many parameters as the
// framework makes of them (tests/reference/make_configs.py), so that defaults and what decides which
// tensors there are are its own; and fields that are malformed, each refused by name.
#include "altered.h"

static void write_config(altered *a, const char *json)
{
    strcpy(a->folder, "/tmp/sulcus-lm-XXXXXX");
    assert_non_null(mkdtemp(a->folder));
    altered_write(a, "config.json", json, strlen(json));
}

// Reads the next line: its name, its count, and where its JSON begins.
static const char *read_line(FILE *list, char line[4096], char name[64], int64_t *count)
{
    int at = 0;
    if (!fgets(line, 4096, list))
        return NULL;
    line[strcspn(line, "\n")] = 0;
    assert_int_equal(sscanf(line, "%63s %ld %n", name, count, &at), 2);
    return line + at;
}

static void test_parameters(void **state)
{
    (void)state;
    char line[4096], name[64];
    const char *json;
    int64_t count = 0;
    int n = 0, wrong = 0;
    FILE *list = fopen("tests/reference/configs.txt", "r");
    assert_non_null(list);
    for (; (json = read_line(list, line, name, &count)); n++) {
        altered a;
        model *m = NULL;
        write_config(&a, json);
        if (model_open(&(model_options){.path = a.folder, .random = true, .light = true}, NULL,
                       &m) != OK)
            fail_msg("%s: %s", name, status_text());
        const int64_t own = model_get_info(m)->parameters;
        if (own != count || model_notes(m)[0])
            print_message("%s: %lld parameters for %lld %s\n", name, (long long)own,
                          (long long)count, model_notes(m));
        wrong += own != count || model_notes(m)[0];
        model_close(m);
        altered_free(&a);
    }
    fclose(list);
    assert_true(n >= 35);
    assert_int_equal(wrong, 0);
}

// The twin: a field that is read shows in the count.
static void test_a_fault_shows(void **state)
{
    (void)state;
    char line[4096], name[64];
    int64_t count = 0;
    FILE *list = fopen("tests/reference/configs.txt", "r");
    assert_non_null(list);
    while (read_line(list, line, name, &count) && strcmp(name, "gemma2") != 0)
        ;
    fclose(list);
    altered a;
    model *m = NULL;
    write_config(&a, "{\"model_type\": \"gemma2\", \"head_dim\": 128}");
    assert_ok(
        model_open(&(model_options){.path = a.folder, .random = true, .light = true}, NULL, &m));
    assert_true(count > 0 && model_get_info(m)->parameters != count);
    model_close(m);
    altered_free(&a);
}

// A value of the wrong kind, or out of range, where each class reads a number, text, flag or list.
static void test_malformed(void **state)
{
    (void)state;
    static const struct {
        const char *type, *fields, *message;
    } cases[] = {
        {"gemma", "\"head_dim\": 0", "head_dim"},
        {"gemma", "\"hidden_activation\": \"swish2\"", "swish2"},
        {"gemma2", "\"sliding_window\": \"4096\"", "sliding_window"},
        {"gemma2", "\"layer_types\": [\"full_attention\"]", "1 for 26 layers"},
        {"gemma2", "\"final_logit_softcapping\": \"30\"", "final_logit_softcapping"},
        {"gemma3_text", "\"sliding_window_pattern\": 0", "sliding_window_pattern"},
        {"gemma3_text", "\"rope_local_base_freq\": -1", "rope_local_base_freq"},
        {"gpt2", "\"n_embd\": 770", "no multiple"},
        {"gpt2", "\"scale_attn_by_inverse_layer_idx\": \"yes\"", "scale_attn_by_inverse_layer_idx"},
        {"gpt2", "\"pruned_heads\": {\"0\": [1]}", "pruned_heads"},
        {"gpt_neox", "\"rotary_pct\": 2", "rotary_pct"},
        {"gpt_neox", "\"use_parallel_residual\": 1", "use_parallel_residual"},
        {"olmo2", "\"rms_norm_eps\": true", "rms_norm_eps"},
        {"olmo3", "\"layer_types\": [7]", "layer_types"},
        {"opt", "\"ffn_dim\": 0", "ffn_dim"},
        {"opt", "\"do_layer_norm_before\": null, \"num_hidden_layers\": [12]", "is a list"},
        {"phi", "\"partial_rotary_factor\": 0", "partial_rotary_factor"},
        {"phi", "\"num_key_value_heads\": 5", "does not divide"},
        {"phi3", "\"rope_scaling\": {\"type\": \"longrope\"}", "longrope needs"},
        {"qwen2", "\"hidden_size\": 64", "is missing"},
        {"vit", "\"image_size\": [224, 224, 3]", "image_size"},
        {"vit", "\"patch_size\": 300", "make 0 patches"},
        {"vit", "\"id2label\": {\"0\": \"a\", \"2\": \"b\"}", "id2label"},
        {"deit", "\"architectures\": [\"DeiTForMaskedLM\"]", "DeiTForImageClassification"},
        {"dinov2", "\"mlp_ratio\": \"4\"", "mlp_ratio"},
        {"dinov2", "\"layerscale_value\": \"one\"", "layerscale_value"},
        {"dinov2_with_registers", "\"num_register_tokens\": -1", "num_register_tokens"},
        {"clip_vision_model", "\"hidden_act\": 3", "hidden_act"},
        {"siglip_vision_model", "\"num_channels\": 0", "num_channels"},
        {"siglip", "\"vision_config\": {\"hidden_size\": 0}", "hidden_size"},
        {"timm_wrapper", "\"architecture\": \"vit_base_patch16_siglip_224\"", "siglip_224 is not"},
        {"timm_wrapper", "\"architecture\": \"vit_base_patch0_224\"", "is not supported"},
        {"timm_wrapper", "\"architecture\": \"vit_base_patch16_224x\"", "is not supported"},
        {"timm_wrapper", "\"num_classes\": 10", "\"architecture\" is missing"},
        {"timm_wrapper",
         "\"architecture\": \"vit_tiny_patch16_224\", \"model_args\": {\"depth\": 0}", "depth"},
        {"timm_wrapper",
         "\"architecture\": \"vit_tiny_patch16_224\", \"pretrained_cfg\": {\"num_classes\": -1}",
         "num_classes"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        altered a;
        model *m = NULL;
        char json[512];
        snprintf(json, sizeof json, "{\"model_type\": \"%s\", %s}", cases[i].type, cases[i].fields);
        write_config(&a, json);
        const status st =
            model_open(&(model_options){.path = a.folder, .random = true, .light = true}, NULL, &m);
        if (st != ERR_INPUT || !strstr(status_text(), cases[i].message))
            fail_msg("%s, %s: expected \"%s\", got %d \"%s\"", cases[i].type, cases[i].fields,
                     cases[i].message, (int)st, status_text());
        altered_free(&a);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parameters),
        cmocka_unit_test(test_a_fault_shows),
        cmocka_unit_test(test_malformed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
