// SPDX-License-Identifier: Apache-2.0
// Weight files as they come from elsewhere: other names for the same tensors, wrappers' prefixes,
// bodies without a head, tensors that nobody reads, files that only stand for others.
#include "altered.h"
#include "model/files/weight_source.h"

// Writes a copy's weights anew, with each `from` in its header replaced by the `to` behind it; the
// pairs end with NULL.
static void rename_in_header(const altered *a, const char *const *pairs)
{
    char path[512], *bytes = NULL;
    size_t size;
    text all = {0};
    snprintf(path, sizeof path, "%s/model.safetensors", a->folder);
    assert_ok(file_read(path, 1 << 24, &bytes, &size));
    uint64_t length;
    memcpy(&length, bytes, sizeof length);
    char *header = strndup(bytes + 8, length);
    for (; pairs[0]; pairs += 2) {
        text renamed = {0};
        const char *rest = header;
        for (const char *at; (at = strstr(rest, pairs[0])); rest = at + strlen(pairs[0])) {
            text_add_bytes(&renamed, rest, (size_t)(at - rest));
            text_add(&renamed, pairs[1]);
        }
        text_add(&renamed, rest);
        free(header);
        header = strdup(text_get(&renamed));
        text_free(&renamed);
    }
    const uint64_t now = strlen(header);
    text_add_bytes(&all, (const char *)&now, sizeof now);
    text_add(&all, header);
    text_add_bytes(&all, bytes + 8 + length, size - 8 - (size_t)length);
    altered_write(a, "model.safetensors", all.at, all.length);
    text_free(&all);
    free(header);
    free(bytes);
}

// Some numbers that depend on every layer's weights: the MLPs' first maps.
static double sum_of(const model *m)
{
    const model_info *i = model_get_info(m);
    float *w = calloc((size_t)i->d_mlp * (size_t)i->hidden_size, sizeof *w);
    double sum = 0;
    for (int l = 0; l < i->layers; l++) {
        assert_ok(model_w_in(m, l, w));
        for (int k = 0; k < i->d_mlp * i->hidden_size; k++)
            sum += (double)w[k] * (k % 7 + l);
    }
    free(w);
    return sum;
}

static model *open_model(const char *path)
{
    model *m = NULL;
    assert_ok(model_open(&(model_options){.path = path}, NULL, &m));
    return m;
}

static void refuse(const char *path, const char *message)
{
    model *m = NULL;
    assert_int_equal(model_open(&(model_options){.path = path}, NULL, &m), ERR_INPUT);
    if (!strstr(status_text(), message))
        fail_msg("expected \"%s\", got \"%s\"", message, status_text());
    // A plan finds the same, from the headers alone.
    status st = model_open(&(model_options){.path = path, .light = true}, NULL, &m);
    if (st == OK)
        st = model_check_files(m);
    assert_int_equal(st, ERR_INPUT);
    assert_non_null(strstr(status_text(), message));
    model_close(m);
}

// The same model, under other names.
static void test_names(void **state)
{
    (void)state;
    static const struct {
        const char *of, *pairs[16];
    } cases[] = {
        {LM_MODELS "lm-llama",
         {"\"model.", "\"_orig_mod.model.", "\"lm_head", "\"_orig_mod.lm_head"}},
        {LM_MODELS "lm-llama",
         {"\"model.", "\"module._orig_mod.model.", "\"lm_head", "\"module._orig_mod.lm_head"}},
        {LM_MODELS "lm-qwen3", {"\"model.", "\""}},
        {LM_MODELS "vit-rect",
         {"vit.encoder.layer.", "vit.layers.", "attention.attention.query", "attention.q_proj",
          "attention.attention.key", "attention.k_proj", "attention.attention.value",
          "attention.v_proj", "attention.output.dense", "attention.o_proj", "intermediate.dense",
          "mlp.fc1", ".output.dense", ".mlp.fc2"}},
    };
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        altered a;
        altered_new(&a, cases[c].of, "{", "{");
        model *as_it_is = open_model(cases[c].of);
        rename_in_header(&a, cases[c].pairs);
        model *renamed = open_model(a.folder);
        assert_true(model_has_head(renamed));
        assert_true(sum_of(renamed) == sum_of(as_it_is));
        assert_true(sum_of(renamed) != 0);
        model_close(renamed);
        model_close(as_it_is);
        // The twin: one name that is neither.
        rename_in_header(&a,
                         (const char *const[]){"mlp.fc1", "mlp.fcl", "up_proj", "up_porj", NULL});
        refuse(a.folder, "is missing");
        altered_free(&a);
    }
}

static status load_nothing(void *context, int64_t index, int thread, tile *t)
{
    (void)context, (void)index, (void)thread, (void)t;
    return OK;
}

static status no_result(void *context, int64_t index, int thread, const tile *t,
                        const prediction *p, int64_t n)
{
    (void)context, (void)index, (void)thread, (void)t, (void)p, (void)n;
    return OK;
}

// A body without its head opens, and has activations and no answers.
static void test_headless(void **state)
{
    (void)state;
    static const struct {
        const char *of, *from, *to, *pairs[4];
    } cases[] = {
        {LM_MODELS "lm-qwen3", "{", "{", {"\"lm_head.weight", "\"score.weight"}},
        {LM_MODELS "lm-qwen3", "Qwen3ForCausalLM", "Qwen3Model", {"{", "{"}},
        {LM_MODELS "lm-qwen3", "Qwen3ForCausalLM", "Qwen3ForTokenClassification", {"{", "{"}},
        {LM_MODELS "vit-rect", "ViTForImageClassification", "ViTModel", {"\"vit.", "\""}},
    };
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        altered a;
        pool *p = NULL;
        altered_new(&a, cases[c].of, cases[c].from, cases[c].to);
        rename_in_header(&a, cases[c].pairs);
        model *m = open_model(a.folder);
        assert_false(model_has_head(m));
        assert_ok(pool_new(1, &p));
        const forward answers = {.tiles = 1,
                                 .max_samples = 1,
                                 .max_rows = 100,
                                 .load = load_nothing,
                                 .result = no_result};
        assert_int_equal(model_forward(m, p, &answers), ERR_INPUT);
        assert_non_null(strstr(status_text(), "has no head"));
        pool_free(p);
        model_close(m);
        altered_free(&a);
    }
}

// What nobody reads may change the result; what is known not to is passed over.
static void test_unread(void **state)
{
    (void)state;
    altered a;
    altered_new(&a, LM_MODELS "lm-llama", "\"num_hidden_layers\": 3", "\"num_hidden_layers\": 2");
    refuse(a.folder, "is read by nobody");
    assert_non_null(strstr(status_text(), "model.layers.2."));
    altered_free(&a);
    altered_new(&a, LM_MODELS "lm-gpt2", "{", "{"); // tied: a copy of the embedding does no harm
    model_close(open_model(a.folder));
    altered_free(&a);
}

// A model whose layers are of different width is refused by file, layer and widths when its headers
// are looked at; one whose configuration is wrong for all layers, for that.
static void test_widths(void **state)
{
    (void)state;
    static const struct {
        const char *layer, *message;
    } cases[] = {
        {"model.layers.1.", "model.layers.1.mlp.up_proj.weight: shape [106, 21], but [53, 42] in "
                            "layer 0: layers of different width"},
        {"model.layers.0.", "model.layers.0.mlp.up_proj.weight: shape [106, 21], but [53, 42] in "
                            "layer 1: layers of different width"},
        {NULL, "model.layers.0.mlp.up_proj.weight: shape [106, 21], but the configuration makes it "
               "[53, 42]"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        altered a;
        model *m = NULL;
        char from[3][128], to[3][128];
        const char *pairs[7] = {NULL};
        altered_new(&a, LM_MODELS "lm-llama", "{", "{");
        for (int l = 0, n = 0; l < 3; l++) {
            char name[64];
            snprintf(name, sizeof name, "model.layers.%d.", l);
            if (cases[i].layer && strcmp(cases[i].layer, name) != 0)
                continue;
            const char *rest = "mlp.up_proj.weight\":{\"dtype\":\"F32\",\"shape\":";
            snprintf(from[l], sizeof from[l], "%s%s[53,42]", name, rest);
            snprintf(to[l], sizeof to[l], "%s%s[106,21]", name, rest);
            pairs[n++] = from[l];
            pairs[n++] = to[l];
        }
        rename_in_header(&a, pairs);
        assert_ok(model_open(&(model_options){.path = a.folder, .light = true}, NULL, &m));
        assert_int_equal(model_check_files(m), ERR_INPUT);
        if (!strstr(status_text(), cases[i].message))
            fail_msg("expected \"%s\", got \"%s\"", cases[i].message, status_text());
        model_close(m);
        altered_free(&a);
    }
}

static void test_stand_ins(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n", "git lfs pull"},
        {"<!DOCTYPE html><html></html>", "is a web page"},
        {"PK\003\004data.pkl", "safe_serialization=True"},
    };
    altered a;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        altered_new(&a, LM_MODELS "lm-llama", "{", "{");
        altered_write(&a, "model.safetensors", cases[i][0], strlen(cases[i][0]));
        refuse(a.folder, cases[i][1]);
        altered_write(&a, "config.json", cases[i][0], strlen(cases[i][0]));
        model *m = NULL;
        assert_int_equal(model_open(&(model_options){.path = a.folder}, NULL, &m), ERR_INPUT);
        assert_non_null(strstr(status_text(), cases[i][1]));
        altered_free(&a);
    }
    altered_new(&a, LM_MODELS "lm-llama", "{", "{");
    altered_write(&a, "adapter_config.json", "{}", 2);
    model_close(open_model(a.folder)); // beside a whole model it does no harm
    char config[64];
    snprintf(config, sizeof config, "%s/config.json", a.folder);
    unlink(config);
    model *m = NULL;
    assert_int_equal(model_open(&(model_options){.path = a.folder}, NULL, &m), ERR_INPUT);
    assert_non_null(strstr(status_text(), "merge_and_unload"));
    altered_free(&a);
}

// Opens a model whose configuration has `from` replaced, and compares what there is to say.
static void expect_notes(const char *of, const char *from, const char *to, const char *notes)
{
    altered a;
    altered_new(&a, of, from, to);
    model *m = open_model(a.folder);
    if (strcmp(model_notes(m), notes) != 0)
        fail_msg("expected \"%s\", got \"%s\"", notes, model_notes(m));
    model_close(m);
    altered_free(&a);
}

// Fields that nobody reads are said, where they switch something on and are not known to be idle.
static void test_notes(void **state)
{
    (void)state;
    const char *unread = "config.json: \"attention_mod\" is read by nobody: if it changes what the "
                         "model computes, results differ from the model's own\n";
    expect_notes(LM_MODELS "lm-llama", "{", "{", "");
    expect_notes(LM_MODELS "lm-gpt2", "{", "{", "");
    expect_notes(LM_MODELS "lm-qwen3", "{", "{", "");
    expect_notes(LM_MODELS "vit-rect", "{", "{", "");
    expect_notes(LM_MODELS "lm-llama", "{", "{\"attention_mod\": true,", unread);
    expect_notes(LM_MODELS "vit-rect", "{", "{\"attention_mod\": 2,", unread);
    expect_notes(LM_MODELS "lm-llama", "{", "{\"attention_mod\": false, \"n_ctx\": 9,", "");
    expect_notes(
        LM_MODELS "lm-llama", "\"pad_token_id\": null", "\"pad_token_id\": 97",
        "config.json: \"pad_token_id\" 97 is beyond the vocabulary of 97; it is not used\n");
    expect_notes(LM_MODELS "lm-gpt2", "\"model_type\": \"gpt2\",", "",
                 "config.json: \"model_type\" is missing; by its other fields it is gpt2\n");
    expect_notes(LM_MODELS "lm-llama", "LlamaForCausalLM", "LLaMAForCausalLM", "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names),     cmocka_unit_test(test_headless),
        cmocka_unit_test(test_unread),    cmocka_unit_test(test_notes),
        cmocka_unit_test(test_stand_ins), cmocka_unit_test(test_widths)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
