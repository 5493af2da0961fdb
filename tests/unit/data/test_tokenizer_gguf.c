// SPDX-License-Identifier: Apache-2.0
// Tokenizers inside GGUF files: known names of pre-tokenizers, and what is refused.
#include "scratch.h"

#include "data/tokenizer/encoder.h"

static void add_number(text *t, uint64_t value, size_t bytes)
{
    text_add_bytes(t, (const char *)&value, bytes); // little-endian, as this machine
}

static void add_string(text *t, const char *s)
{
    add_number(t, strlen(s), 8);
    text_add(t, s);
}

static void add_text(text *t, const char *key, const char *value)
{
    add_string(t, key);
    add_number(t, 8, 4);
    add_string(t, value);
}

static void add_texts(text *t, const char *key, const char *const *list)
{
    size_t n = 0;
    while (list[n])
        n++;
    add_string(t, key);
    add_number(t, 9, 4);
    add_number(t, 8, 4);
    add_number(t, n, 8);
    for (size_t i = 0; i < n; i++)
        add_string(t, list[i]);
}

// Writes folder/x.gguf with a vocabulary and opens its tokenizer.
static status open_made(const char *folder, const char *model, const char *pre,
                        const char *const *tokens, const char *const *merges, tokenizer **out)
{
    text t = {0};
    text_add(&t, "GGUF");
    add_number(&t, 3, 4);
    add_number(&t, 0, 8);
    add_number(&t, 4, 8);
    add_text(&t, "tokenizer.ggml.model", model);
    add_text(&t, "tokenizer.ggml.pre", pre);
    add_texts(&t, "tokenizer.ggml.tokens", tokens);
    add_texts(&t, "tokenizer.ggml.merges", merges);
    while (t.length % 32)
        text_add_bytes(&t, "", 1);
    scratch_write(folder, "x.gguf", t.at, t.length);
    text_free(&t);
    char *path = file_join(folder, "x.gguf");
    status st = tokenizer_open(path, out);
    free(path);
    return st;
}

static const char *const tokens[] = {"a", "b", "ab", "\xC4\xA0", "1", "11", NULL};
static const char *const merges[] = {"a b", "1 1", NULL};

static void test_known(void **state)
{
    (void)state;
    static const struct {
        const char *pre;
        int ids; // of "ab ab 11"
    } known[] = {{"gpt-2", 5}, {"qwen2", 6}, {"smollm", 6}, {"olmo", 5}, {"smaug-bpe", 5}};
    char *f = scratch_new();
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        tokenizer *t = NULL;
        encoder *e = NULL;
        token_list ids = {0};
        if (open_made(f, "gpt2", known[i].pre, tokens, merges, &t) != OK)
            fail_msg("%s", status_text());
        assert_int_equal(encoder_new(t, &e), OK);
        assert_int_equal(encoder_encode(e, "ab ab 11", 8, true, 0, &ids), OK);
        if ((int)ids.n != known[i].ids)
            fail_msg("%s: %zu ids", known[i].pre, ids.n);
        token_list_free(&ids);
        encoder_free(e);
        tokenizer_close(t);
    }
    scratch_free(f);
}

static void test_refused(void **state)
{
    (void)state;
    static const char *const twice[] = {"a", "a", NULL};
    static const char *const odd[] = {"<0x-1>", "<0xZZ>", NULL};
    char *f = scratch_new();
    tokenizer *t = NULL;
    expect_failure(open_made(f, "gpt2", "tekken-9", tokens, merges, &t), ERR_INPUT, "x.gguf",
                   "tekken-9");
    expect_failure(open_made(f, "bert", "gpt-2", tokens, merges, &t), ERR_INPUT, "x.gguf", "bert");
    expect_failure(open_made(f, "gpt2", "gpt-2", tokens, (const char *const[]){"a z", NULL}, &t),
                   ERR_INPUT, "x.gguf", "merge 0");
    expect_failure(open_made(f, "gpt2", "gpt-2", tokens, (const char *const[]){"ab", NULL}, &t),
                   ERR_INPUT, "x.gguf", "not a pair");
    expect_failure(open_made(f, "gpt2", "gpt-2", twice, merges, &t), ERR_INPUT, "x.gguf", "twice");
    expect_failure(open_made(f, "llama", "default", odd, merges, &t), ERR_INPUT, "x.gguf",
                   "scores");
    assert_null(t);
    scratch_free(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_known),
        cmocka_unit_test(test_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
