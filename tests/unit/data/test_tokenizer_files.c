// SPDX-License-Identifier: Apache-2.0
// tokenizer.json as people have it: the cases from the wild give the tokens that stand beside them
// (where they are), entries that no text leads to do no harm, a U+0000 is a character like
// others, and what is no tokenizer.json is told by name.
#include "scratch.h"

#include <jansson.h>

#include "data/tokenizer/encoder.h"

#define CASES "../shared/cases/files/"

static char *folder;

static int setup(void **unused)
{
    (void)unused;
    folder = scratch_new();
    return 0;
}

static int teardown(void **unused)
{
    (void)unused;
    scratch_free(folder);
    return 0;
}

// The ids of a text, with spaces between; owned by the caller.
static char *ids_of(const tokenizer *t, const char *bytes, size_t n)
{
    encoder *e = NULL;
    token_list ids = {0};
    text got = {0};
    assert_int_equal(encoder_new(t, &e), OK);
    assert_int_equal(encoder_encode(e, bytes, n, true, 0, &ids), OK);
    for (size_t i = 0; i < ids.n; i++)
        text_addf(&got, "%s%d", i ? " " : "", ids.id[i]);
    text_add(&got, "");
    token_list_free(&ids);
    encoder_free(e);
    return got.at;
}

static tokenizer *open_text(const char *json)
{
    tokenizer *t = NULL;
    scratch_write(folder, "tokenizer.json", json, strlen(json));
    if (tokenizer_open(folder, &t) != OK)
        fail_msg("%s", status_text());
    return t;
}

static void expect_ids(const tokenizer *t, const char *bytes, size_t n, const char *expected)
{
    char *got = ids_of(t, bytes, n);
    assert_string_equal(got, expected);
    free(got);
}

// How many lines of a case's expected.jsonl the tokenizer of another case does not give.
static int count_wrong(const char *name, const char *tokens_of)
{
    char *path = text_format(CASES "%s/expected.jsonl", name), *lines, *end;
    char *opened = text_format(CASES "%s/tokenizer.json", tokens_of);
    tokenizer *t = NULL;
    size_t n;
    int wrong = 0, seen = 0;
    assert_int_equal(file_read(path, 1 << 24, &lines, &n), OK);
    if (tokenizer_open(opened, &t) != OK)
        fail_msg("%s", status_text());
    for (char *at = lines; (end = strchr(at, '\n')); at = end + 1, seen++) {
        json_t *line = json_loadb(at, (size_t)(end - at), JSON_ALLOW_NUL, NULL);
        const json_t *string = json_object_get(line, "text"), *ids = json_object_get(line, "ids");
        text expected = {0};
        assert_non_null(line);
        for (size_t i = 0; i < json_array_size(ids); i++)
            text_addf(&expected, "%s%lld", i ? " " : "",
                      (long long)json_integer_value(json_array_get(ids, i)));
        char *got = ids_of(t, json_string_value(string), json_string_length(string));
        wrong += strcmp(got, text_get(&expected)) != 0;
        free(got);
        text_free(&expected);
        json_decref(line);
    }
    assert_in_range(seen, 5, 1000);
    tokenizer_close(t);
    free(lines);
    free(path);
    free(opened);
    return wrong;
}

static void test_cases(void **unused)
{
    (void)unused;
    static const char *const cases[] = {
        "C01-split-class-intersection", "C06-raw-newline-beside-byte-level",
        "C08-nul-in-vocabulary",        "C10-roberta-post-processor",
        "C04-whitespace-pretokenizer",  "C17-add_bos_token-only-in-tokenizer_config"};
    if (!file_is_folder(CASES))
        skip();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        if (count_wrong(cases[i], cases[i]) > 0)
            fail_msg("%s gives other tokens", cases[i]);
    assert_in_range(count_wrong(cases[0], cases[1]), 1, 1000); // the twin
    tokenizer *t = NULL;
    assert_int_equal(tokenizer_open(CASES "C17-add_bos_token-only-in-tokenizer_config", &t), OK);
    assert_non_null(strstr(tokenizer_notices(t), "add_bos_token: true"));
    tokenizer_close(t);
}

#define BYTES "\"a\":0,\"b\":1,\"\\u010a\":2,\"\\u0120\":3"
#define BYTE_LEVEL(VOCAB, MERGES)                                                                  \
    "{\"pre_tokenizer\":{\"type\":\"ByteLevel\",\"add_prefix_space\":false,\"use_regex\":false},"  \
    "\"model\":{\"type\":\"BPE\",\"vocab\":{" VOCAB "},\"merges\":[" MERGES "]}}"
#define CHARACTERS(VOCAB, MERGES)                                                                  \
    "{\"model\":{\"type\":\"BPE\",\"unk_token\":\"b\",\"vocab\":{" VOCAB "},\"merges\":[" MERGES   \
    "]}}"

// A raw newline, space, tab or letter of no byte beside the byte's own spelling.
static void test_unreachable(void **unused)
{
    (void)unused;
    tokenizer *t = open_text(
        BYTE_LEVEL(BYTES ",\"\\n\":4,\" \":5,\"a\\n\":6,\"\xE2\x98\x83\":7,\"a\\u010a\":8",
                   "[\"a\",\"\\n\"],[\"\xE2\x98\x83\",\"a\"],[\"a\",\"\\u010a\"]"));
    text back = {0};
    expect_ids(t, "b\na\n ", 5, "1 2 8 3");
    assert_int_equal(tokenizer_decode(t, (int32_t[]){4, 7}, 2, &back), OK);
    assert_string_equal(text_get(&back), "\n\xE2\x98\x83");
    text_free(&back);
    tokenizer_close(t);
}

// In a byte-level vocabulary it is out of reach, in one of characters it is not; and the character
// that stands for it while the file is read may be in the file too.
static void test_nul(void **unused)
{
    (void)unused;
    tokenizer *t = open_text(BYTE_LEVEL(BYTES ",\"\\u0000\":4,\"\\u0100\":5", ""));
    expect_ids(t, "a\0b", 3, "0 5 1");
    tokenizer_close(t);
    t = open_text(CHARACTERS("\"a\":0,\"b\":1,\"\\u0000\":2,\"a\\u0000\":3,\"\\\\u0000\":4,"
                             "\"\\ufdd0\":5,\"\xEF\xB7\x91\":6",
                             "[\"a\",\"\\u0000\"]"));
    expect_ids(t, "a\0\0x\xEF\xB7\x90\xEF\xB7\x91", 10, "3 2 1 5 6");
    tokenizer_close(t);
}

static void test_foreign(void **unused)
{
    (void)unused;
    static const struct {
        const char *bytes, *what;
    } files[] = {
        {"", "it is empty"},
        {" \n", "it is empty"},
        {"version https://git-lfs.github.com/spec/v1\noid", "git lfs pull"},
        {"<!DOCTYPE html><html>", "web page"},
        {"\n\x0e\n\x05<unk>\x15\0\0\0\0", "SentencePiece"},
        {"\x1f\x8b\x08", "gzip"},
        {"IQ== 0\nIg== 1\n", "tiktoken"},
        {"{\"a\":0,\"b\":1}", "vocab.json"},
        {"{\"config\":{},\"vocab\":[{\"rank\":0,\"token_bytes\":\"AA==\"}]}", "tekken"},
        {"{\"class_name\":\"Tokenizer\",\"config\":{}}", "Keras"},
        {"{\"tokenizer_class\":\"LlamaTokenizer\"}", "tokenizer_config.json"},
        {"{\"model_type\":\"llama\"}", "config.json"},
        {"{\"bos_token\":\"<s>\"}", "special_tokens_map.json"},
        {"[1]", "a list"},
        {"{\"version\":\"1.0\"}", "JSON without a \"model\""},
        {"{\"model\":{\"type\":\"Telepathy\"}}", "model Telepathy is not supported"},
    };
    char *path = file_join(folder, "tokenizer.json");
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        tokenizer *t = NULL;
        const size_t n = strlen(files[i].bytes);
        scratch_write(folder, "tokenizer.json", files[i].bytes, n);
        expect_failure(tokenizer_open(path, &t), ERR_INPUT, "tokenizer.json", files[i].what);
    }
    free(path);
}

// Processors wrap one another, the later ones outside.
static void test_post_processors(void **unused)
{
    (void)unused;
    tokenizer *t = open_text(
        "{\"post_processor\":{\"type\":\"Sequence\",\"processors\":[{\"type\":\"ByteLevel\"},"
        "{\"type\":\"BertProcessing\",\"cls\":[\"c\",5],\"sep\":[\"s\",6]},{\"type\":\"Sequence\","
        "\"processors\":[{\"type\":\"RobertaProcessing\",\"cls\":[\"c\",7],\"sep\":[\"s\",8]}]}]},"
        "\"model\":{\"type\":\"BPE\",\"vocab\":{\"a\":0},\"merges\":[]}}");
    expect_ids(t, "aa", 2, "7 5 0 0 6 8");
    tokenizer_close(t);
}

#define BERT                                                                                       \
    "{\"normalizer\":{\"type\":\"BertNormalizer\",\"clean_text\":true,\"handle_chinese_chars\":"   \
    "true,"                                                                                        \
    "\"strip_accents\":null,\"lowercase\":true},\"pre_tokenizer\":{\"type\":\"BertPreTokenizer\"}" \
    ","                                                                                            \
    "\"model\":{\"type\":\"WordPiece\",\"unk_token\":\"?\",\"vocab\":{\"?\":0,\"a\":1,\"A\":2,"    \
    "\"\u00e1\":3,\"\u00c1\":4,\"##b\":5,\"##B\":6}}}"
#define GPT2                                                                                       \
    "{\"added_tokens\":[{\"id\":7,\"content\":\"<s>\",\"special\":true}],\"pre_tokenizer\":{"      \
    "\"type\":"                                                                                    \
    "\"ByteLevel\",\"add_prefix_space\":false,\"use_regex\":false},\"model\":{\"type\":\"BPE\","   \
    "\"vocab\":{" BYTES "},\"merges\":[]}}"

// What tokenizer_config.json decides is what it decides in transformers 5 (each line was tried with
// it), and whatever contradicts is noted.
static void test_config(void **unused)
{
    (void)unused;
    static const struct {
        const char *tokenizer, *config, *bytes, *ids, *notice;
    } cases[] = {
        {BERT, "{}", "Ab \u00c1", "1 5 1", ""},
        {BERT, "{\"tokenizer_class\":\"BertTokenizer\"}", "AB", "1 5", ""},
        {BERT, "{\"tokenizer_class\":\"BertTokenizerFast\",\"do_lower_case\":false}", "AB \u00c1",
         "2 6 4", "do_lower_case: false, tokenizer.json lowercase: true"},
        {BERT, "{\"tokenizer_class\":\"DistilBertTokenizer\",\"strip_accents\":false}", "\u00c1",
         "3", "strip_accents: false"},
        {BERT, "{\"tokenizer_class\":\"TokenizersBackend\",\"do_lower_case\":false}", "AB", "1 5",
         ""},
        {GPT2, "{\"tokenizer_class\":\"GPT2Tokenizer\",\"add_prefix_space\":true}", "a", "3 0",
         "add_prefix_space: true"},
        {GPT2, "{\"tokenizer_class\":\"Qwen2Tokenizer\",\"add_prefix_space\":true}", "a", "0", ""},
        {GPT2,
         "{\"tokenizer_class\":\"LlamaTokenizerFast\",\"bos_token\":\"<s>\",\"add_bos_token\":"
         "true}",
         "a", "0", "add_bos_token: true, but tokenizer.json puts none before"},
        {GPT2,
         "{\"eos_token\":{\"content\":\"<s>\"},\"add_eos_token\":true,\"add_bos_token\":false}",
         "a", "0", "add_eos_token: true, but tokenizer.json puts none behind"},
        {GPT2, // a token in two places is one
         "{\"tokenizer_class\":\"GPT2Tokenizer\",\"bos_token\":\"<b>\",\"added_tokens_decoder\":"
         "{\"8\":{\"content\":\"<b>\"}}}",
         "a", "0", "has 1 token that tokenizer.json has not (<b>); not read as such"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        scratch_write(folder, "tokenizer_config.json", cases[i].config, strlen(cases[i].config));
        tokenizer *t = open_text(cases[i].tokenizer);
        expect_ids(t, cases[i].bytes, strlen(cases[i].bytes), cases[i].ids);
        if (!*cases[i].notice)
            assert_string_equal(tokenizer_notices(t), "");
        else if (!strstr(tokenizer_notices(t), cases[i].notice))
            fail_msg("%s is not in: %s", cases[i].notice, tokenizer_notices(t));
        tokenizer_close(t);
    }
    static const struct {
        const char *config, *what;
    } bad[] = {{"[]", "is not a JSON object"},
               {"{\"split_special_tokens\":true}", "split_special_tokens"},
               {"version https://git-lfs.github.com/spec/v1", "git lfs pull"}};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        tokenizer *t = NULL;
        scratch_write(folder, "tokenizer_config.json", bad[i].config, strlen(bad[i].config));
        expect_failure(tokenizer_open(folder, &t), ERR_INPUT, "tokenizer_config.json", bad[i].what);
    }
    char *path = file_join(folder, "tokenizer_config.json");
    assert_int_equal(remove(path), 0);
    free(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cases),
        cmocka_unit_test(test_unreachable),
        cmocka_unit_test(test_nul),
        cmocka_unit_test(test_foreign),
        cmocka_unit_test(test_post_processors),
        cmocka_unit_test(test_config),
    };
    return cmocka_run_group_tests_name("tokenizer files", tests, setup, teardown);
}
