// SPDX-License-Identifier: Apache-2.0
// Questions: the published prompt, shots, prompts that are too long, what is scored; malformed CSV
// and text files, each refused with its file and line.
#include "plain_tokenizer.h"

#include "data/bytes/csv.h"

#define HEAD  "^The following are multiple choice questions (with answers) about my subject."
#define Q1    "\n\nQuestion: 1+1, \"really\"?\nA. one\nB. 2\nC. a\nb\nD. x\nAnswer:"
#define Q2    "\n\nQuestion: q\nA. a\nB. b\nC. c\nD. d\nAnswer:"
#define SHOT1 "\n\nQuestion: s1\nA. 1\nB. 2\nC. 3\nD. 4\nAnswer: C"
#define SHOT2 "\n\nQuestion: s2\nA. 1\nB. 2\nC. 3\nD. 4\nAnswer: D"

static char *make_quiz(void)
{
    static const char test[] = "\"1+1, \"\"really\"\"?\",one,2,\"a\nb\",x,B\r\nq,a,b,c,d,D\r\n";
    static const char dev[] = "s1,1,2,3,4,C\ns2,1,2,3,4,D\n";
    static const char other[] = "\xEF\xBB\xBFq,a,b,c,d,A";
    char *f = scratch_new();
    plain_tokenizer(f);
    scratch_write(f, "quiz/test/my_subject_test.csv", test, strlen(test));
    scratch_write(f, "quiz/test/art_test.csv", other, strlen(other));
    scratch_write(f, "quiz/dev/my_subject_dev.csv", dev, strlen(dev));
    scratch_write(f, "quiz/dev/art_dev.csv", dev, strlen(dev));
    return f;
}

// The prompt of a question, "^" for <s>; only its last position has a target.
static void expect_prompt(const samples *s, int subset, int64_t i, const char *prompt, char letter)
{
    int32_t ids[4096], target[4096];
    int64_t rows = samples_rows(s, subset, PART_EVALUATE, i);
    text got = {0};
    assert_int_equal(samples_text(s, subset, PART_EVALUATE, i, ids, target), OK);
    for (int64_t k = 0; k < rows; k++) {
        char byte = (char)ids[k];
        text_add_bytes(&got, ids[k] == BOS ? "^" : &byte, 1);
        assert_int_equal(target[k], k + 1 < rows ? -1 : letter);
    }
    assert_string_equal(text_get(&got), prompt);
    text_free(&got);
}

static void test_prompts(void **state)
{
    (void)state;
    char *f = make_quiz(), *path = file_join(f, "quiz");
    dataset_options o = {.format = "mmlu", .path = path, .collect = DATASET_COLLECT_DEFAULT};
    dataset *d = open_data(o);
    int n;
    assert_int_equal(dataset_subsets(d), 2);
    assert_string_equal(dataset_subset(d, 0), "art");
    assert_string_equal(dataset_subset(d, 1), "my_subject");
    samples *s = open_samples(d, plain_spec(f, 1000));
    assert_int_equal(samples_count(s, 1, PART_COLLECT), 0); // all are evaluated
    assert_int_equal(samples_count(s, 1, PART_EVALUATE), 2);
    // A byte is a token here, so " B" is two: the space ends the prompt.
    expect_prompt(s, 1, 0, HEAD Q1 " ", 'B');
    expect_prompt(s, 1, 1, HEAD Q2 " ", 'D');
    const int32_t *letter = samples_candidates(s, &n);
    assert_int_equal(n, 4);
    for (int i = 0; i < 4; i++)
        assert_int_equal(letter[i], 'A' + i);
    assert_int_equal(samples_shortened(s), 0);
    samples_close(s);
    dataset_close(d);
    o.shots = 2;
    o.vocabulary = true;
    o.limit = 1;
    d = open_data(o);
    s = open_samples(d, plain_spec(f, 1000));
    assert_int_equal(samples_count(s, 1, PART_EVALUATE), 1);
    expect_prompt(s, 1, 0, HEAD SHOT1 SHOT2 Q1 " ", 'B');
    assert_null(samples_candidates(s, &n));
    assert_int_equal(n, 0);
    samples_close(s);
    int one_shot = (int)strlen(HEAD SHOT1 Q1 " ");
    s = open_samples(d, plain_spec(f, one_shot));
    expect_prompt(s, 1, 0, HEAD SHOT2 Q1 " ", 'B'); // the first shot went
    assert_int_equal(samples_shortened(s), 2);
    samples_close(s);
    s = open_samples(d, plain_spec(f, 11));
    expect_prompt(s, 1, 0, "^x\nAnswer: ", 'B'); // <s> and the end stay
    samples_close(s);
    dataset_close(d);
    o.shots = 3;
    expect_open_failure(o, ERR_INPUT, "dev.csv", "holds 2 questions");
    free(path);
    scratch_free(f);
}

// The three templates against what the two programs that others use build themselves: read off their
// sources (hendrycks/test; the task `mmlu` of lm-evaluation-harness).
static void test_templates(void **state)
{
    (void)state;
#define ABOUT "^The following are multiple choice questions (with answers) about"
    static const char test[] =
        "\" \xC2\xA0 which?\n\xE2\x80\x89\x1f\", one,2,a ,\"b\nb\",B\n\xE2\x80\x83,1,2,3,4,A\n";
    static const char dev[] = "s1 ,1,2,3,4,C\ns2,1,2,3,4,D\n";
    static const struct {
        const char *template, *first, *blank;
    } expected[] = {
        {NULL,
         ABOUT
         " high school art.\n\nQuestion: s1 \nA. 1\nB. 2\nC. 3\nD. 4\nAnswer: C\n\nQuestion:  "
         "\xC2\xA0 which?\n\xE2\x80\x89\x1f\nA.  one\nB. 2\nC. a \nD. b\nb\nAnswer: ",
         "\n\nQuestion: \xE2\x80\x83\nA. 1"},
        {"ours", NULL, NULL},
        {"original",
         ABOUT "  high school art.\n\ns1 \nA. 1\nB. 2\nC. 3\nD. 4\nAnswer: C\n\n "
               "\xC2\xA0 which?\n\xE2\x80\x89\x1f\nA.  one\nB. 2\nC. a \nD. b\nb\nAnswer: ",
         "Answer: C\n\n\xE2\x80\x83\nA. 1"},
        {"harness",
         ABOUT " high school art.\n\ns1\nA. 1\nB. 2\nC. 3\nD. 4\nAnswer: C\n\n"
               "which?\nA.  one\nB. 2\nC. a \nD. b\nb\nAnswer: ",
         "Answer: C\n\n\nA. 1"},
    };
    char *f = scratch_new(), *path = file_join(f, "quiz");
    plain_tokenizer(f);
    scratch_write(f, "quiz/test/high_school_art_test.csv", test, strlen(test));
    scratch_write(f, "quiz/dev/high_school_art_dev.csv", dev, strlen(dev));
    dataset_options o = {
        .format = "mmlu", .path = path, .shots = 1, .collect = DATASET_COLLECT_DEFAULT};
    for (size_t i = 0, of = 0; i < sizeof expected / sizeof *expected; i++) {
        of = expected[i].first ? i : of;
        o.template = expected[i].template;
        dataset *d = open_data(o);
        samples *s = open_samples(d, plain_spec(f, 1000));
        expect_prompt(s, 0, 0, expected[of].first, 'B');
        int32_t ids[1000], target[1000];
        char bytes[1000] = "";
        assert_int_equal(samples_text(s, 0, PART_EVALUATE, 1, ids, target), OK);
        for (int64_t k = 1; k < samples_rows(s, 0, PART_EVALUATE, 1); k++)
            bytes[k - 1] = (char)ids[k];
        assert_non_null(strstr(bytes, expected[of].blank));
        samples_close(s);
        dataset_close(d);
    }
    o.template = "originals";
    expect_open_failure(o, ERR_USAGE, "template", "did you mean original?");
    o.template = "hendrycks";
    expect_open_failure(o, ERR_USAGE, "template", "ours, original, harness");
    free(path);
    scratch_free(f);
}

static void refused_csv(const char *bytes, size_t n, const char *where, const char *what)
{
    char *f = scratch_new(), *path = file_join(f, "x_test.csv");
    scratch_write(f, "x_test.csv", bytes, n);
    expect_open_failure((dataset_options){.format = "mmlu", .path = path}, ERR_INPUT, where, what);
    free(path);
    scratch_free(f);
}

static void test_bad_csv(void **state)
{
    (void)state;
#define REFUSED(BYTES, WHERE, WHAT) refused_csv(BYTES, sizeof(BYTES) - 1, WHERE, WHAT)
    REFUSED("", "x_test.csv", "no question");
    REFUSED("q,a,b,c,d,A\nq,a,b,c,d\n", "x_test.csv:2", "5 fields");
    REFUSED("q,a,b,c,d,A,B\n", "x_test.csv:1", "7 fields");
    REFUSED("q,a,b,c,d,E\n", "x_test.csv:1", "answer is E");
    REFUSED("\"q\n\",a,b,c,d,A\nq,a,b,c,d,\n", "x_test.csv:3", "answer is");
    REFUSED("q,\"a,b,c,d,A\nq,a\n", "x_test.csv:1", "not closed");
    REFUSED("q,\"a\"x,b,c,d,A\n", "x_test.csv:1", "behind a closing quote");
    REFUSED("q,a,b,c,d,A\nq,\xff,b,c,d,A\n", "x_test.csv:2", "UTF-8");
    REFUSED("q,a,b\0,c,d,A\n", "x_test.csv:1", "UTF-8");
    REFUSED("\x1f\x8b\x08junk", "x_test.csv", "gzip");
}

static void refused_line(const char *bytes, size_t n, const char *where, const char *what)
{
    char *f = scratch_new(), *path = file_join(f, "x.jsonl");
    scratch_write(f, "x.jsonl", bytes, n);
    expect_open_failure((dataset_options){.format = "jsonl", .path = path, .subsets = "meta.s"},
                        ERR_INPUT, where, what);
    free(path);
    scratch_free(f);
}

static void test_bad_lines(void **state)
{
    (void)state;
#define GOOD                    "{\"text\":\"a\",\"meta\":{\"s\":\"x\"}}\n"
#define BAD(BYTES, WHERE, WHAT) refused_line(GOOD BYTES, sizeof(GOOD BYTES) - 1, WHERE, WHAT)
    BAD("{\"text\":\"a\",\"meta\":{\"s\":\"x\"}", "x.jsonl:2:29", "',' or '}'");
    BAD("{\"text\":\"a", "x.jsonl:2:11", "does not end");
    BAD("[1]", "x.jsonl:2:1", "'{'");
    BAD("{\"text\":\"a\",}", "x.jsonl:2", "key");
    BAD("{\"text\":\"\\x\"}", "x.jsonl:2", "escape");
    BAD("{\"text\":\"\\u12g4\"}", "x.jsonl:2", "hexadecimal");
    BAD("{\"text\":\"a\tb\"}", "x.jsonl:2", "control");
    BAD("{\"text\":\"\xff\"}", "x.jsonl:2:10", "UTF-8");
    BAD("{\"text\":01}", "x.jsonl:2", "',' or '}'");
    BAD("{\"text\":1.e5}", "x.jsonl:2", "digits");
    BAD("{\"text\":nul}", "x.jsonl:2", "value");
    BAD("{\"text\":\"a\"} {}", "x.jsonl:2", "behind");
    BAD("{\"text\":7,\"meta\":{\"s\":\"x\"}}", "x.jsonl:2", "field text is not a text");
    BAD("\n\n{\"meta\":{\"s\":\"x\"}}", "x.jsonl:4", "field text is missing");
    BAD("{\"text\":\"a\"}", "x.jsonl:2", "field meta.s is missing");
    BAD("{\"text\":\"a\",\"meta\":{\"s\":null}}", "x.jsonl:2", "meta.s is missing");
    BAD("{\"text\":\"a\",\"meta\":{\"s\":{}}}", "x.jsonl:2", "meta.s is neither");
    BAD("{\"text\":\"a\",\"meta\":{\"s\":\"\"}}", "x.jsonl:2", "name of a subset");
    BAD("{\"text\":\"a\",\"meta\":{\"s\":\"a\\nb\"}}", "x.jsonl:2", "name of a subset");
    refused_line("", 0, "x.jsonl", "no samples");
    refused_line("\x28\xb5\x2f\xfd\x04", 5, "x.jsonl", "cut short");
    size_t n = 1 << 20;
    char *deep = malloc(n);
    memset(deep, '[', n);
    memcpy(deep, "{\"a\":", 5);
    refused_line(deep, n, "x.jsonl:1", "deeply");
    free(deep);
}

// The sanitizers keep freed memory for a while.
#ifdef SULCUS_SANITIZE
#define MEMORY ((size_t)256 << 20)
#else
#define MEMORY ((size_t)64 << 20)
#endif

// A line that never ends, and a small file that unpacks to one: neither takes much memory.
static void test_endless_line(void **state)
{
    (void)state;
    size_t before = peak_memory(), n = (size_t)80 << 20;
    char *f = scratch_new(), *path = file_join(f, "x.jsonl"), *bytes = calloc(n, 1);
    memset(bytes, ' ', n);
    scratch_write_gz(f, "x.jsonl", bytes, n);
    free(bytes);
    size_t made = peak_memory();
    expect_open_failure((dataset_options){.format = "jsonl", .path = path}, ERR_INPUT, "x.jsonl",
                        "line 1 has more than");
    assert_in_range(peak_memory() - (made > before ? made : before), 0, MEMORY);
    free(path);
    scratch_free(f);
}

static void test_bad_tokens(void **state)
{
    (void)state;
    static const struct {
        const char *name, *bytes;
        size_t n;
        const char *what;
    } bad[] = {
        {"a.bin", "abc", 3, "whole number"},
        {"a.bin", "", 0, "no ids"},
        {"a.npy", "\x93NUMPY\x01", 7, "cut short"},
        {"a.npy", "\x93NUMPY\x09\0\x02\0{}", 12, "version"},
        {"a.npy", "\x93NUMPY\x01\0\xff\xff{}", 12, "longer"},
#define NPY(N, DICT) "\x93NUMPY\x01\0" N "\0" DICT
#define HEADER(DICT) NPY("\x40", DICT), 10 + 64
        {"a.npy", HEADER("{'descr': '<f4', 'fortran_order': False, 'shape': (2,), }        \n"),
         "integers"},
        {"a.npy", HEADER("{'descr': '<u2', 'fortran_order': True, 'shape': (2,), }         \n"),
         "Fortran"},
        {"a.npy", HEADER("{'descr': '<u2', 'fortran_order': False, 'shape': (2,2,2), }     \n"),
         "dimensions"},
        {"a.npy", HEADER("{'descr': '<u2', 'fortran_order': False, 'shape': (9,), }        \n"),
         "announces"},
        {"a.npy", HEADER("{'descr':'<u2','fortran_order':False,'shape':(99999999999999999,)\n"),
         NULL},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        char *f = scratch_new(), *path = file_join(f, bad[i].name);
        scratch_write(f, bad[i].name, bad[i].bytes, bad[i].n);
        expect_open_failure((dataset_options){.format = "tokens", .path = path}, ERR_INPUT,
                            bad[i].name, bad[i].what);
        free(path);
        scratch_free(f);
    }
}

// Ids that are no tokens of the model, as values of each type: by position and value.
static void test_alien_ids(void **state)
{
    (void)state;
#define ALIEN(TYPE, BYTES)                                                                         \
    HEADER("{'descr': '" TYPE "', 'fortran_order': False, 'shape': (2,), }      \n" BYTES) +       \
        sizeof BYTES - 1
    static const struct {
        const char *name, *bytes;
        size_t n;
        const char *what;
    } alien[] = {
        {"a.bin", "\1\0\x01\x01", 4, "id 1 is 257, beyond"},
        {"a.npy", ALIEN("<u2", "\1\0\xff\xff"), "id 1 is 65535, which is -1 without its sign"},
        {"a.npy", ALIEN("<i2", "\1\0\xff\xff"), "id 1 is -1, which is no token"},
        {"a.npy", ALIEN("<i2", "\0\x80\0\0"), "id 0 is -32768, which is no token"},
        {"a.npy", ALIEN("<i4", "\1\0\0\0\x9c\xff\xff\xff"), "id 1 is -100, which is no token"},
        {"a.npy", ALIEN("<i8", "\1\0\0\0\0\0\0\0\xff\xff\xff\xff\xff\xff\xff\xff"),
         "id 1 is -1, which is no token"},
        {"a.npy", ALIEN("<u8", "\1\0\0\0\0\0\0\0\xff\xff\xff\xff\xff\xff\xff\xff"),
         "id 1 is 9223372036854775807, beyond"},
    };
    for (size_t i = 0; i < sizeof alien / sizeof *alien; i++) {
        char *f = scratch_new(), *path = file_join(f, alien[i].name);
        scratch_write(f, alien[i].name, alien[i].bytes, alien[i].n);
        dataset *d = open_data((dataset_options){.format = "tokens", .path = path});
        samples *s = NULL;
        sample_spec spec = plain_spec("/nowhere", 10);
        if (strstr(alien[i].what, "no token"))
            spec.vocabulary = 70000;
        expect_failure(samples_open(d, &spec, &s), ERR_INPUT, alien[i].name, alien[i].what);
        dataset_close(d);
        free(path);
        scratch_free(f);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_prompts),      cmocka_unit_test(test_templates),
        cmocka_unit_test(test_bad_csv),      cmocka_unit_test(test_bad_lines),
        cmocka_unit_test(test_endless_line), cmocka_unit_test(test_bad_tokens),
        cmocka_unit_test(test_alien_ids),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
