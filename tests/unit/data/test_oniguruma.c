// SPDX-License-Identifier: Apache-2.0
// Patterns of Oniguruma's cut the words that the `tokenizers` package cuts
// (tests/reference/make_patterns.py), or are refused by their place. Twin: handed to PCRE2 as they
// are, those that it reads otherwise give other words, and are told.
#include "scratch.h"

#include <jansson.h>

#include "data/words/oniguruma.h"
#include "data/words/pattern.h"
#include "data/words/splitter.h"

static json_t *reference;

static int setup(void **unused)
{
    (void)unused;
    reference = json_load_file("tests/reference/tokenizers/patterns.json", JSON_ALLOW_NUL, NULL);
    return reference ? 0 : -1;
}

static int teardown(void **unused)
{
    (void)unused;
    json_decref(reference);
    return 0;
}

// The words that are still expected.
typedef struct expectation {
    const json_t *words;
    size_t n;
    bool wrong;
} expectation;

static status compare_word(void *context, const char *bytes, size_t n)
{
    expectation *e = context;
    const json_t *w = json_array_get(e->words, e->n++);
    e->wrong |= !w || json_string_length(w) != n || memcmp(json_string_value(w), bytes, n) != 0;
    return OK;
}

static bool cuts_as_expected(const json_t *entry)
{
    splitter *s = NULL;
    splitter_workspace *w = NULL;
    expectation e = {.words = json_object_get(entry, "words")};
    const json_t *given = json_object_get(reference, "text");
    json_t *rule = json_pack("{s:s, s:{s:O}, s:s, s:b}", "type", "Split", "pattern", "Regex",
                             json_object_get(entry, "pattern"), "behavior", "Removed", "invert", 1);
    assert_non_null(rule);
    status st = splitter_new(rule, "file", &s);
    if (st == OK)
        st = splitter_workspace_new(s, &w);
    if (st == OK)
        st = splitter_cut(w, json_string_value(given), json_string_length(given), true,
                          compare_word, &e);
    if (st != OK)
        print_error("%s\n", status_text());
    splitter_workspace_free(w);
    splitter_free(s);
    json_decref(rule);
    return st == OK && !e.wrong && e.n == json_array_size(e.words);
}

static void test_words(void **unused)
{
    (void)unused;
    static const char *const kinds[] = {"otherwise", "same", "random"};
    int wrong = 0;
    for (size_t k = 0; k < 3; k++) {
        const json_t *list = json_object_get(reference, kinds[k]);
        assert_in_range(json_array_size(list), 20, 1000);
        for (size_t i = 0; i < json_array_size(list); i++)
            if (!cuts_as_expected(json_array_get(list, i))) {
                print_error("%s cuts other words\n",
                            json_string_value(json_object_get(json_array_get(list, i), "pattern")));
                wrong++;
            }
    }
    assert_int_equal(wrong, 0);
}

// What PCRE2 makes of a pattern as it stands.
static bool pcre2_cuts_as_expected(const json_t *entry)
{
    pattern *p = NULL;
    pattern_matcher *m = NULL;
    const json_t *source = json_object_get(entry, "pattern"),
                 *given = json_object_get(reference, "text");
    const char *bytes = json_string_value(given);
    const size_t n = json_string_length(given);
    expectation e = {.words = json_object_get(entry, "words")};
    size_t at = 0, begin, end;
    bool found = true;
    if (pattern_new(json_string_value(source), json_string_length(source), false, "file", &p) != OK)
        return false;
    assert_int_equal(pattern_matcher_new(&m), OK);
    pattern_matcher_begin(m, n);
    while (at < n) {
        assert_int_equal(pattern_next(p, m, bytes, n, at, &found, &begin, &end), OK);
        if (!found)
            break;
        if (end > begin)
            compare_word(&e, bytes + begin, end - begin);
        at = end > begin ? end : end + 1;
        while (at < n && ((unsigned char)bytes[at] & 0xC0) == 0x80)
            at++;
    }
    pattern_matcher_free(m);
    pattern_free(p);
    return !e.wrong && e.n == json_array_size(e.words);
}

static void test_fault_is_seen(void **unused)
{
    (void)unused;
    const json_t *list = json_object_get(reference, "otherwise");
    size_t alike = 0;
    for (size_t i = 0; i < json_array_size(list); i++)
        alike += pcre2_cuts_as_expected(json_array_get(list, i));
    // Some differ in rarer characters only; and PCRE2 10.46 reads one more as Oniguruma does.
    assert_in_range(alike, 0, json_array_size(list) / 3);
}

static void test_refused(void **unused)
{
    (void)unused;
    const json_t *list = json_object_get(reference, "refused");
    assert_in_range(json_array_size(list), 40, 1000);
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *source = json_array_get(list, i);
        text out = {0};
        pattern *p = NULL;
        status st = oniguruma_translate(json_string_value(source), json_string_length(source),
                                        "bad.json", &out);
        if (st == OK)
            st = pattern_new(text_get(&out), out.length, false, "bad.json", &p);
        if (st == OK)
            fail_msg("%s was read", json_string_value(source));
        expect_failure(st, ERR_INPUT, "bad.json", "pattern of the tokenizer");
        text_free(&out);
    }
}

// The place, and what stands there.
static void test_place(void **unused)
{
    (void)unused;
    text out = {0};
    expect_failure(oniguruma_translate("ab\\X+c", 6, "bad.json", &out), ERR_INPUT, "bad.json",
                   "at character 2: this escape is not supported: \\X+c");
    text_free(&out);
    text deep = {0};
    for (int i = 0; i < 200; i++)
        text_add(&deep, "(");
    expect_failure(oniguruma_translate(deep.at, 200, "bad.json", &out), ERR_INPUT, "bad.json",
                   "so deep");
    memset(deep.at, '[', 200);
    expect_failure(oniguruma_translate(deep.at, 200, "bad.json", &out), ERR_INPUT, "bad.json",
                   "so deep");
    text_free(&out);
    text_free(&deep);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_words),
        cmocka_unit_test(test_fault_is_seen),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_place),
    };
    return cmocka_run_group_tests_name("patterns of Oniguruma", tests, setup, teardown);
}
