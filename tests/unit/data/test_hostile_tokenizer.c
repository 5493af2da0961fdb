// SPDX-License-Identifier: Apache-2.0
// Tokenizers made to hang, to fill the memory or to read beyond a text: each works in seconds or is
// refused with a line.
#include "scratch.h"

#include "tests/byte_tokenizer.h"

#include <time.h>

#include "data/tokenizer/encoder.h"
#include "data/words/pattern.h"

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

// A byte-level tokenizer.json with this normalizer, these pre-tokenizers before ByteLevel, and these
// added tokens.
static void write_tokenizer(const char *normalizer, const char *splits, const char *added)
{
    text t = {0};
    text_addf(&t,
              "{\"added_tokens\":[%s],\"normalizer\":%s,\"pre_tokenizer\":{\"type\":\"Sequence\","
              "\"pretokenizers\":[%s{\"type\":\"ByteLevel\",\"add_prefix_space\":false,"
              "\"use_regex\":false}]},\"model\":{\"type\":\"BPE\",\"merges\":[],\"vocab\":{",
              added, normalizer, splits);
    byte_vocabulary(&t);
    text_add(&t, "}}}");
    assert_false(t.failed);
    scratch_write(folder, "tokenizer.json", t.at, t.length);
    text_free(&t);
}

// Opens the tokenizer and encodes the text with it; *n = how many ids.
static status encode(const char *bytes, size_t length, size_t *n)
{
    status st;
    tokenizer *t = NULL;
    encoder *e = NULL;
    token_list ids = {0};
    TRY(tokenizer_open(folder, &t));
    TRY(encoder_new(t, &e));
    TRY(encoder_encode(e, bytes, length, false, 0, &ids));
done:
    *n = ids.n;
    token_list_free(&ids);
    encoder_free(e);
    tokenizer_close(t);
    return st;
}

static status encode_split(const char *regex, const char *bytes, size_t length, size_t *n)
{
    char *split = text_format("{\"type\":\"Split\",\"pattern\":{\"Regex\":\"%s\"},\"behavior\":"
                              "\"Isolated\",\"invert\":false},",
                              regex);
    write_tokenizer("null", split, "");
    free(split);
    return encode(bytes, length, n);
}

static double seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static char *repeat(char c, size_t n)
{
    char *s = malloc(n);
    assert_non_null(s);
    memset(s, c, n);
    return s;
}

static void refuse(const char *regex, const char *bytes, const char *expected)
{
    size_t n;
    assert_int_equal(encode_split(regex, bytes, strlen(bytes), &n), ERR_INPUT);
    if (!strstr(status_text(), expected) || !strstr(status_text(), "tokenizer.json: "))
        fail_msg("%s: %s", regex, status_text());
}

// What PCRE2 finds in a text, pattern by pattern; no translator in front. *n = how many matches.
static status match_all(const char *source, const char *bytes, size_t *n)
{
    status st;
    pattern *p = NULL;
    pattern_matcher *m = NULL;
    size_t at = 0, length = strlen(bytes), begin, end;
    bool found = true;
    *n = 0;
    TRY(pattern_new(source, strlen(source), false, "tokenizer.json", &p));
    TRY(pattern_matcher_new(&m));
    pattern_matcher_begin(m, length);
    while (found && at <= length) {
        TRY(pattern_next(p, m, bytes, length, at, &found, &begin, &end));
        *n += found;
        at = end > at ? end : at + 1;
    }
done:
    pattern_matcher_free(m);
    pattern_free(p);
    return st;
}

// \\K in an assertion, reached by a call: PCRE2 gives a match that ends before it begins, or one
// that is empty and lies ahead for ever. No translated pattern has a call.
static void test_matches(void **unused)
{
    (void)unused;
    size_t n;
    assert_int_equal(match_all("x(?=(?1))(?:(ab\\K)){0}", "xabxabxab", &n), ERR_INPUT);
    assert_non_null(strstr(status_text(), "matches what lies before it"));
    if (match_all("(?=(?1))(?:(ab\\K)){0}", "ab ab ab", &n) == OK)
        assert_in_range(n, 1, 9);
    refuse("x(?=(?1))(?:(ab\\\\K)){0}", "xabxabxab", "is not supported");
    assert_int_equal(encode_split("", "abc", 3, &n), OK);
    assert_int_equal(n, 3);
    refuse("\\\\C", "abc", "pattern of the pre-tokenizer, at");
}

static void test_verbs(void **unused)
{
    (void)unused;
    const char *const verbs[] = {"(*NO_JIT)a",      "(*LIMIT_MATCH=1)a", "[(*a](*NO_JIT)",
                                 "a(*SKIP)(*FAIL)", "[]](*COMMIT)x",     "\\\\Q[\\\\E(*FAIL)"};
    size_t n;
    for (size_t i = 0; i < sizeof verbs / sizeof *verbs; i++)
        refuse(verbs[i], "aa", "is not supported");
    assert_int_equal(encode_split("[(*]|\\\\(*a|\\\\((?:\\\\*)", "a(*b", 4, &n), OK);
    assert_int_equal(n, 4);
}

// Llama 3's own: a run of spaces takes a step each, for one match.
static void test_spaces(void **unused)
{
    (void)unused;
    size_t n, length = 20000000;
    char *run = repeat(' ', length);
    run[length - 1] = 'x';
    assert_int_equal(
        encode_split(
            "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\\\r\\\\n\\\\p{L}\\\\p{N}]?\\\\p{L}+|\\\\p{N}{1,3}| "
            "?[^\\\\s\\\\p{L}\\\\p{N}]+[\\\\r\\\\n]*|\\\\s*[\\\\r\\\\n]+|\\\\s+(?!\\\\S)|\\\\s+",
            run, length, &n),
        OK);
    assert_int_equal(n, length);
    free(run);
}

// Exponential, quadratic, and deep.
static void test_limits(void **unused)
{
    (void)unused;
    size_t n;
    double began = seconds();
    char *run = repeat('a', 300000);
    refuse("(a+)+$|(a*)*b", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaac",
           "cannot cut a text of");
    assert_int_equal(encode_split("a+x|a+y|a+z|a+?(?=b)|a(?=a*$)", run, 300000, &n), ERR_INPUT);
    assert_non_null(strstr(status_text(), "has taken more than 8 s"));
    assert_int_equal(encode_split("(?:(?=a*+b?)a)*c|(a+)\\\\1+b", run, 300000, &n),
                     ERR_INPUT); // in one match
    assert_non_null(strstr(status_text(), "has taken more than 8 s"));
    assert_in_range(seconds() - began, 0, 60);
    free(run);
    run = repeat('a', 2000000); // too deep for the stack of compiled patterns
    status st = encode_split("(?:a|b(?R))+", run, 2000000, &n);
    assert_true(st == OK || st == ERR_INPUT);
    free(run);
    run = text_format("%0*d", 70000, 0);
    refuse(run, "0", "has 70000 bytes");
    free(run);
}

static void test_normalizers(void **unused)
{
    (void)unused;
    text rules = {0}, long_one = {0};
    size_t n;
    double began = seconds();
    text_add(&rules, "{\"type\":\"Sequence\",\"normalizers\":[");
    for (int i = 0; i < 34; i++)
        text_addf(&rules,
                  "%s{\"type\":\"Replace\",\"pattern\":{\"String\":\"a\"},\"content\":\"aa\"}",
                  i ? "," : "");
    text_add(&rules, "]}");
    write_tokenizer(text_get(&rules), "", "");
    assert_int_equal(encode("banana", 6, &n), ERR_INPUT);
    assert_non_null(strstr(status_text(), "the normalizer makes more than"));
    text_free(&rules);

    text_addf(&long_one,
              "{\"type\":\"Replace\",\"pattern\":{\"String\":\"a\"},\"content\":\"%0*d\"}", 200000,
              0);
    write_tokenizer(text_get(&long_one), "", "");
    char *many = repeat('a', 1000000);
    assert_int_equal(encode(many, 1000000, &n), ERR_INPUT);
    assert_non_null(strstr(status_text(), "the normalizer makes more than"));
    assert_int_equal(encode("a", 1, &n), OK); // it may be meant
    assert_int_equal(n, 200000);
    free(many);
    text_free(&long_one);

    text_add(&rules, "{\"type\":\"Sequence\",\"normalizers\":[{\"type\":\"NFC\"}");
    for (int i = 0; i < 300; i++)
        text_add(&rules, ",{\"type\":\"NFC\"}");
    text_add(&rules, "]}");
    write_tokenizer(text_get(&rules), "", "");
    assert_int_equal(encode("a", 1, &n), ERR_INPUT);
    assert_non_null(strstr(status_text(), "more than 256 rules"));
    text_free(&rules);

    // U+0301 goes behind U+0323, which goes behind none of its kind.
    write_tokenizer("{\"type\":\"NFC\"}", "", "");
    text marks = {0};
    for (int i = 0; i < 500; i++)
        text_add(&marks, "a\xcc\x81\xcc\xa3");
    assert_int_equal(encode(text_get(&marks), marks.length, &n), OK);
    for (int i = 0; i < 500000; i++)
        text_add(&marks, "\xcc\xa3");
    assert_int_equal(encode(text_get(&marks), marks.length, &n), ERR_INPUT);
    for (int i = 0; i < 500000; i++)
        text_add(&marks, "\xcc\x81\xcc\xa3");
    assert_int_equal(encode(text_get(&marks), marks.length, &n), ERR_INPUT);
    assert_non_null(strstr(status_text(), "cannot sort more than 1024 marks"));
    marks.length = 0;
    text_add(&marks, "a");
    for (int i = 0; i < 500000; i++)
        text_add(&marks, "\xcc\xa3");
    assert_int_equal(encode(text_get(&marks), marks.length, &n), OK); // in order
    text_free(&marks);
    assert_in_range(seconds() - began, 0, 20);
}

// So many begin with one byte that each place of the text would be compared with all of them.
static void test_added_tokens(void **unused)
{
    (void)unused;
    text added = {0};
    size_t n, length = 200000;
    double began = seconds();
    for (int i = 0; i < 300000; i++)
        text_addf(&added, "%s{\"id\":%d,\"content\":\"a%06d\",\"special\":%s}", i ? "," : "",
                  1000 + i, i, i % 2 ? "true" : "false");
    write_tokenizer("null", "", text_get(&added));
    char *many = repeat('a', length);
    memcpy(many + 100, "a123456a1234567a299999a300000", 29);
    assert_int_equal(encode(many, length, &n), OK);
    assert_int_equal(n, length - 3 * 6);
    free(many);
    text_free(&added);
    assert_in_range(seconds() - began, 0, 20);
}

// Of tokens that begin alike the longest counts, of equal ones the first.
static void test_longest(void **unused)
{
    (void)unused;
    tokenizer *t = NULL;
    encoder *e = NULL;
    token_list ids = {0};
    const int32_t expected[] = {302, 300, 'a', 'b', 301, 300};
    write_tokenizer("null", "",
                    "{\"id\":300,\"content\":\"abc\",\"special\":true},"
                    "{\"id\":301,\"content\":\"abd\",\"special\":true},"
                    "{\"id\":302,\"content\":\"abcde\",\"special\":true},"
                    "{\"id\":303,\"content\":\"abc\",\"special\":true}");
    assert_int_equal(tokenizer_open(folder, &t), OK);
    assert_int_equal(encoder_new(t, &e), OK);
    assert_int_equal(encoder_encode(e, "abcdeabcababdabc", 16, false, 0, &ids), OK);
    assert_int_equal(ids.n, 6);
    assert_memory_equal(ids.id, expected, sizeof expected);
    token_list_free(&ids);
    encoder_free(e);
    tokenizer_close(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_matches),     cmocka_unit_test(test_verbs),
        cmocka_unit_test(test_spaces),      cmocka_unit_test(test_limits),
        cmocka_unit_test(test_normalizers), cmocka_unit_test(test_added_tokens),
        cmocka_unit_test(test_longest),
    };
    return cmocka_run_group_tests_name("hostile tokenizers", tests, setup, teardown);
}
