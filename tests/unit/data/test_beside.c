// SPDX-License-Identifier: Apache-2.0
// What lies beside a tokenizer.json, against the tokens of transformers 5 (tests/reference/make_beside.py):
// classes that a model's type stands for, and tokens that tokenizer_config.json alone has. What
// is not followed is said.
#include "scratch.h"

#include <jansson.h>

#include "data/tokenizer/encoder.h"
#include "data/tokenizer/tokenizer.h"

#define TOKENIZERS "tests/reference/tokenizers/"

static void write_json(const char *folder, const char *name, const json_t *value)
{
    if (json_is_null(value))
        return;
    char *bytes = json_dumps(value, 0);
    assert_non_null(bytes);
    scratch_write(folder, name, bytes, strlen(bytes));
    free(bytes);
}

static const char *text_of(const json_t *c, const char *key)
{
    return json_string_value(json_object_get(c, key));
}

// A folder with a case's three files.
static char *make_case(const json_t *c)
{
    char *folder = scratch_new(), *path = text_format(TOKENIZERS "%s.json", text_of(c, "file"));
    json_t *rules = json_load_file(path, 0, NULL), *prefix = json_object_get(c, "prefix");
    assert_non_null(rules);
    const bool bert = strcmp(text_of(c, "file"), "bert") == 0;
    if (!json_is_null(prefix))
        json_object_set(json_object_get(rules, bert ? "normalizer" : "pre_tokenizer"),
                        bert ? "lowercase" : "add_prefix_space", prefix);
    write_json(folder, "tokenizer.json", rules);
    write_json(folder, "config.json", json_object_get(c, "config"));
    write_json(folder, "tokenizer_config.json", json_object_get(c, "beside"));
    json_decref(rules);
    free(path);
    return folder;
}

// Are a text's tokens these?
static bool is_encoded(encoder *e, const char *bytes, const json_t *ids)
{
    token_list out = {0};
    assert_int_equal(encoder_encode(e, bytes, strlen(bytes), false, 0, &out), OK);
    bool same = out.n == json_array_size(ids);
    for (size_t i = 0; same && i < out.n; i++)
        same = out.id[i] == json_integer_value(json_array_get(ids, i));
    token_list_free(&out);
    return same;
}

// How many of a case's texts have the tokens of transformers.
static size_t count_same(const json_t *texts, const json_t *c, text *notices)
{
    size_t same = 0;
    tokenizer *t = NULL;
    encoder *e = NULL;
    char *folder = make_case(c);
    if (tokenizer_open(folder, &t) != OK)
        fail_msg("%s: %s", text_of(c, "name"), status_text());
    assert_int_equal(encoder_new(t, &e), OK);
    notices->length = 0;
    text_add(notices, tokenizer_notices(t));
    for (size_t i = 0; i < json_array_size(texts); i++)
        same += is_encoded(e, json_string_value(json_array_get(texts, i)),
                           json_array_get(json_object_get(c, "ids"), i));
    encoder_free(e);
    tokenizer_close(t);
    scratch_free(folder);
    return same;
}

static void test_cases(void **state)
{
    (void)state;
    json_t *root = json_load_file(TOKENIZERS "beside.json", 0, NULL), *c;
    const json_t *texts = json_object_get(root, "texts");
    text notices = {0};
    size_t i, told = 0;
    assert_true(json_array_size(json_object_get(root, "cases")) > 40);
    json_array_foreach(json_object_get(root, "cases"), i, c)
    {
        const size_t same = count_same(texts, c, &notices);
        const bool said = json_is_true(json_object_get(c, "said"));
        if ((same < json_array_size(texts)) != said)
            fail_msg("%s: %zu of %zu texts have transformers' tokens; notices: %s",
                     text_of(c, "name"), same, json_array_size(texts), text_get(&notices));
        if (said)
            assert_non_null(strstr(text_get(&notices), "; not read as such"));
        told += notices.length > 0;
    }
    assert_true(told > 20);
    // The twin: with another model's type the tokens are other ones.
    c = json_array_get(json_object_get(root, "cases"), 0);
    json_object_set_new(json_object_get(c, "config"), "model_type", json_string("llama"));
    assert_true(count_same(texts, c, &notices) < json_array_size(texts));
    text_free(&notices);
    json_decref(root);
}

static status collect_names(void *context, const char *path)
{
    text_addf(context, " %s", strrchr(path, '/') + 1);
    return OK;
}

// What decides is one of the dataset's files, and nothing else is.
static void test_files(void **state)
{
    (void)state;
    static const struct {
        const char *rules, *config, *beside, *files;
    } cases[] = {
        {"true", "{\"model_type\":\"gpt2\"}", NULL, " x.txt tokenizer.json config.json"},
        {"false", "{\"model_type\":\"gpt2\"}", NULL, " x.txt tokenizer.json"},
        {"true", "{\"model_type\":\"llama\"}", "{\"bos_token\":\"<|endoftext|>\"}",
         " x.txt tokenizer.json"},
        {"true", "{\"model_type\":\"llama\"}", "{\"bos_token\":\"<s>\"}",
         " x.txt tokenizer.json tokenizer_config.json"},
        {"true", NULL, "{\"tokenizer_class\":\"GPT2Tokenizer\"}",
         " x.txt tokenizer.json tokenizer_config.json"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        text names = {0};
        char *f = scratch_new(), *path = file_join(f, "x.txt");
        json_t *rules = json_load_file(TOKENIZERS "gpt2.json", 0, NULL);
        json_object_set_new(json_object_get(rules, "pre_tokenizer"), "add_prefix_space",
                            json_boolean(strcmp(cases[i].rules, "true") == 0));
        write_json(f, "tokenizer.json", rules);
        scratch_write(f, "x.txt", "a text", 6);
        if (cases[i].config)
            scratch_write(f, "config.json", cases[i].config, strlen(cases[i].config));
        if (cases[i].beside)
            scratch_write(f, "tokenizer_config.json", cases[i].beside, strlen(cases[i].beside));
        const dataset_options o = {.format = "text", .path = path, .tokenizer = f};
        assert_int_equal(dataset_files(&o, collect_names, &names), OK);
        assert_string_equal(text_get(&names), cases[i].files);
        text_free(&names);
        json_decref(rules);
        free(path);
        scratch_free(f);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_cases), cmocka_unit_test(test_files)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
