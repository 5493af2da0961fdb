// SPDX-License-Identifier: Apache-2.0
// Samples of masked language models: their frame, which tokens are masked and by what. That the
// numbers are those of an independent computation is tests/run/test_masked.sh's.
#include "plain_tokenizer.h"

#include <math.h>

enum { CLS = 256, SEP, MASK, VOCABULARY };

// Bytes between [CLS] and [SEP].
static void framing_tokenizer(const char *folder, bool has_mask)
{
    text t = {0};
    text_addf(&t,
              "{\"added_tokens\":[{\"id\":256,\"content\":\"[CLS]\",\"special\":true},"
              "{\"id\":257,\"content\":\"[SEP]\",\"special\":true},"
              "{\"id\":258,\"content\":\"%s\",\"special\":true}],\"normalizer\":null,"
              "\"pre_tokenizer\":{\"type\":\"ByteLevel\",\"add_prefix_space\":false,"
              "\"use_regex\":false},\"post_processor\":{\"type\":\"BertProcessing\","
              "\"sep\":[\"[SEP]\",257],\"cls\":[\"[CLS]\",256]},\"decoder\":null,\"model\":"
              "{\"type\":\"BPE\",\"merges\":[],\"vocab\":{",
              has_mask ? "[MASK]" : "[GAP]");
    byte_vocabulary(&t);
    text_add(&t, "}}}");
    assert_false(t.failed);
    scratch_write(folder, "tokenizer.json", t.at, t.length);
    text_free(&t);
}

static int outputs = VOCABULARY; // the model's

static sample_spec spec(const char *folder, int context)
{
    return (sample_spec){.text = true,
                         .masked = true,
                         .model_path = folder,
                         .context = context,
                         .vocabulary = outputs};
}

// A sample, and how many of its tokens are masked.
typedef struct one {
    int32_t ids[512], target[512];
    int64_t rows;
    int masked;
} one;

static one read_sample(const samples *s, part p, int64_t i)
{
    one x = {.rows = samples_rows(s, 0, p, i)};
    assert_in_range(x.rows, 3, 512);
    assert_int_equal(samples_text(s, 0, p, i, x.ids, x.target), OK);
    for (int64_t k = 0; k < x.rows; k++)
        x.masked += x.target[k] >= 0;
    return x;
}

// The texts of all samples, "^" and "$" for the frame, "|" between them.
static void expect_framed(const samples *s, const char *expected)
{
    text got = {0};
    for (int64_t i = 0; i < samples_count(s, 0, PART_EVALUATE); i++) {
        const one x = read_sample(s, PART_EVALUATE, i);
        text_add(&got, i ? "|" : "");
        for (int64_t k = 0; k < x.rows; k++) {
            const int32_t id = x.target[k] >= 0 ? x.target[k] : x.ids[k];
            const char byte = (char)(id == CLS ? '^' : id == SEP ? '$' : id);
            text_add_bytes(&got, &byte, 1);
        }
    }
    assert_string_equal(text_get(&got), expected);
    text_free(&got);
}

static void check_frame(const char *folder, dataset_options o, int context, const char *expected)
{
    o.mask = 0.5;
    dataset *d = open_data(o);
    samples *s = open_samples(d, spec(folder, context));
    expect_framed(s, expected);
    samples_close(s);
    dataset_close(d);
}

static void test_frame(void **state)
{
    (void)state;
    static const char lines[] = "{\"text\":\"hello world\"}\n{\"text\":\"\"}\n{\"text\":\"x\"}\n";
    char *f = scratch_new(), *jsonl, *plain;
    framing_tokenizer(f, true);
    scratch_write(f, "a.jsonl", lines, strlen(lines));
    scratch_write(f, "a.txt", "abcdefghi", 9);
    jsonl = file_join(f, "a.jsonl");
    plain = file_join(f, "a.txt");
    const dataset_options o = {.format = "jsonl", .path = jsonl},
                          packed = {.format = "jsonl", .path = jsonl, .pack = true},
                          joined = {.format = "text", .path = plain};
    check_frame(f, o, 100, "^hello world$|^x$"); // the empty one is no sample
    check_frame(f, o, 13, "^hello world$|^x$");
    check_frame(f, o, 12, "^hello worl$|^x$");
    check_frame(f, o, 3, "^h$|^x$");
    check_frame(f, packed, 8, "^hello $|^worldx$");
    check_frame(f, joined, 6, "^abcd$|^efgh$|^i$");
    check_frame(f, joined, 5, "^abc$|^def$|^ghi$");
    dataset *d = open_data(o);
    sample_spec narrow = spec(f, 2);
    samples *s = NULL;
    assert_int_equal(samples_open(d, &narrow, &s), ERR_USAGE);
    assert_non_null(strstr(status_text(), "context: 2 leaves no token between the 2 special ones"));
    // A model of another kind reads the same dataset its own way.
    samples *framed = open_samples(d, spec(f, 6));
    sample_spec other = spec(f, 6);
    other.masked = false;
    samples *bare = open_samples(d, other);
    assert_int_equal(read_sample(framed, PART_EVALUATE, 0).ids[5], SEP);
    assert_int_equal(read_sample(bare, PART_EVALUATE, 0).ids[5], 'o');
    samples_close(bare);
    samples_close(framed);
    dataset_close(d);
    free(jsonl);
    free(plain);
    scratch_free(f);
}

enum { DOCUMENTS = 400, LENGTH = 40 };

// Documents of LENGTH letters, "[MASK]" spelled in the middle of each, as groups "a" or "b".
static char *write_letters(const char *folder)
{
    text t = {0};
    for (int i = 0; i < DOCUMENTS; i++) {
        text_addf(&t, "{\"g\":\"%s\",\"text\":\"", i % 2 ? "b" : "a");
        for (int k = 0; k < LENGTH; k++)
            text_addf(&t, "%s%c", k == LENGTH / 2 ? "[MASK]" : "", 'a' + (i + k) % 26);
        text_add(&t, "\"}\n");
    }
    scratch_write(folder, "a.jsonl", t.at, t.length);
    text_free(&t);
    return file_join(folder, "a.jsonl");
}

static samples *open_masked(const char *folder, dataset_options o, dataset **d)
{
    *d = open_data(o);
    return open_samples(*d, spec(folder, 100));
}

static void close_both(samples *s, dataset *d)
{
    samples_close(s);
    dataset_close(d);
}

static void test_mask(void **state)
{
    (void)state;
    char *f = scratch_new(), *path;
    framing_tokenizer(f, true);
    path = write_letters(f);
    dataset *d;
    dataset_options o = {.format = "jsonl", .path = path, .subsets = "g", .mask = 0.15};
    samples *s = open_masked(f, o, &d);
    int became[3] = {0}, at[LENGTH] = {0}; // the mask, itself, another
    const int64_t n = samples_count(s, 0, PART_EVALUATE);
    assert_int_equal(n, DOCUMENTS / 2);
    for (int64_t i = 0; i < n; i++) {
        const one x = read_sample(s, PART_EVALUATE, i);
        assert_int_equal(x.rows, LENGTH + 3);
        assert_int_equal(x.masked, 6); // 0.15 of 40
        for (int64_t k = 0; k < x.rows; k++) {
            const bool special = k == 0 || k == x.rows - 1 || k == 1 + LENGTH / 2;
            const int64_t letter = k - 1 - (k > 1 + LENGTH / 2);
            const int32_t was = special ? -1 : (int32_t)('a' + (2 * i + letter) % 26);
            if (special || x.target[k] < 0) {
                assert_int_equal(x.target[k], -1);
                assert_int_equal(x.ids[k], k == 0                ? CLS
                                           : k == x.rows - 1     ? SEP
                                           : k == 1 + LENGTH / 2 ? MASK
                                                                 : was);
                continue;
            }
            assert_int_equal(x.target[k], was);
            assert_true(x.ids[k] < 256 || x.ids[k] == MASK);
            became[x.ids[k] == MASK ? 0 : x.ids[k] == was ? 1 : 2]++;
            at[letter]++;
        }
    }
    const double masked = (double)n * 6; // 1200: 960, 120 and 120 expected
    assert_true(fabs(became[0] - 0.8 * masked) < 70);
    assert_true(fabs(became[1] - 0.1 * masked) < 55 && fabs(became[2] - 0.1 * masked) < 55);
    for (int k = 0; k < LENGTH; k++) // 30 each
        assert_in_range(at[k], 8, 60);
    close_both(s, d);
    o.mask_alone = true;
    s = open_masked(f, o, &d);
    const one x = read_sample(s, PART_EVALUATE, 3);
    for (int64_t k = 0; k < x.rows; k++)
        assert_true(x.target[k] < 0 || x.ids[k] == MASK);
    close_both(s, d);
    free(path);
    scratch_free(f);
}

static bool are_same(const one *x, const one *y)
{
    return x->rows == y->rows && memcmp(x->ids, y->ids, (size_t)x->rows * sizeof *x->ids) == 0 &&
           memcmp(x->target, y->target, (size_t)x->rows * sizeof *x->target) == 0;
}

// A sample is masked the same whichever others there are, and in either part; by another seed, or as
// another subset's, otherwise.
static void test_same_mask(void **state)
{
    (void)state;
    char *f = scratch_new(), *path;
    framing_tokenizer(f, true);
    path = write_letters(f);
    dataset *d;
    const char *const keep[] = {"b"};
    dataset_options o = {.format = "jsonl", .path = path, .subsets = "g", .mask = 0.2};
    samples *s = open_masked(f, o, &d);
    one first = read_sample(s, PART_EVALUATE, 7),
        b = {.rows = samples_rows(s, 1, PART_EVALUATE, 7)};
    assert_int_equal(samples_text(s, 1, PART_EVALUATE, 7, b.ids, b.target), OK);
    close_both(s, d);
    const struct {
        dataset_options o;
        part part;
        int64_t i;
        bool other, same;
    } cases[] = {
        {{.collect = 0.5}, PART_COLLECT, 7, false, true},
        {{.collect = 0.01}, PART_EVALUATE, 5, false, true}, // the first two are collected on
        {{.collect = -1}, PART_COLLECT, 7, false, true},
        {{.limit = 2000}, PART_EVALUATE, 7, false, true},
        {{.keep = keep, .n_keep = 1}, PART_EVALUATE, 7, true, true},
        {{.mask_seed = 1}, PART_EVALUATE, 7, false, false},
        {{.mask_alone = true}, PART_EVALUATE, 7, false, false},
        {{0}, PART_EVALUATE, 8, false, false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        dataset_options own = cases[i].o;
        own.format = "jsonl";
        own.path = path;
        own.subsets = "g";
        own.mask = 0.2;
        s = open_masked(f, own, &d);
        const one x = read_sample(s, cases[i].part, cases[i].i);
        assert_int_equal(are_same(&x, cases[i].other ? &b : &first), cases[i].same);
        close_both(s, d);
    }
    o.collect = 0.5; // by a seed: number 7 is in one of the parts
    o.shuffled = true;
    s = open_masked(f, o, &d);
    int found = 0;
    for (part p = 0; p < PARTS; p++)
        for (int64_t i = 0; i < samples_count(s, 0, p); i++)
            if (samples_number(s, 0, p, i) == 7) {
                const one x = read_sample(s, p, i);
                found += i != 7 && are_same(&x, &first);
            }
    assert_int_equal(found, 1);
    close_both(s, d);
    o.collect = 0;
    o.mask = 0; // as written, and nothing scored
    s = open_masked(f, o, &d);
    const one x = read_sample(s, PART_EVALUATE, 7);
    assert_int_equal(x.masked, 0);
    for (int64_t k = 0; k < x.rows; k++)
        assert_int_equal(x.ids[k], first.target[k] >= 0 ? first.target[k] : first.ids[k]);
    close_both(s, d);
    free(path);
    scratch_free(f);
}

static void expect_refused(dataset_options o, const char *folder, const char *message)
{
    samples *s = NULL;
    const sample_spec own = spec(folder, 64);
    o.mask = 0.15;
    dataset *d = open_data(o);
    assert_int_equal(samples_open(d, &own, &s), ERR_INPUT);
    if (!strstr(status_text(), message))
        fail_msg("expected \"%s\", got \"%s\"", message, status_text());
    dataset_close(d);
}

static void test_refused(void **state)
{
    (void)state;
    char *f = scratch_new(), *path, *ids, *other;
    static const uint16_t tokens[] = {1, 2, 3, 4};
    framing_tokenizer(f, false);
    path = write_letters(f);
    scratch_write(f, "ids.bin", tokens, sizeof tokens);
    ids = file_join(f, "ids.bin");
    other = file_join(f, "b.jsonl");
    expect_refused((dataset_options){.format = "jsonl", .path = path}, f,
                   "has no special token [MASK] or <mask>");
    framing_tokenizer(f, true);
    outputs = MASK;
    scratch_write(f, "b.jsonl", "{\"text\":\"ab\"}", 13);
    expect_refused((dataset_options){.format = "jsonl", .path = other}, f,
                   "tokenizer.json: the mask is token 258, beyond the model's vocabulary of 258");
    outputs = VOCABULARY;
    expect_refused((dataset_options){.format = "tokens", .path = ids}, f, "no tokenizer that says");
    expect_refused((dataset_options){.format = "mmlu", .path = "examples/debquiz"}, f,
                   "holds questions");
    free(ids);
    free(other);
    free(path);
    scratch_free(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_frame),
        cmocka_unit_test(test_mask),
        cmocka_unit_test(test_same_mask),
        cmocka_unit_test(test_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
