// SPDX-License-Identifier: Apache-2.0
// Text formats: what is a document, a subset and a sample, budgets and parts, plain and packed
// files; with a tokenizer whose tokens are bytes.
#include "plain_tokenizer.h"

#include <zstd.h>

#include "data/tokens/token_store.h"

#define LINES                                                                                      \
    "{\"text\": \"one\", \"meta\": {\"pile_set_name\": \"b\"}, \"id\": 7}\n"                       \
    "{\"meta\": {\"x\": [1, {\"pile_set_name\": \"no\"}], \"pile_set_name\": \"a b\"}, "           \
    "\"text\": \"t\\u00e4\\n\\ud83d\\ude00\\ud800\"}\r\n"                                          \
    "\n"                                                                                           \
    "{\"text\": \"three\", \"meta\": {\"pile_set_name\": \"b\"}}\n"                                \
    "{\"text\": \"\", \"meta\": {\"pile_set_name\": \"b\"}}\n"                                     \
    "{\"text\": \"fourth\", \"meta\": {\"pile_set_name\": \"\\u0062\"}}"

static void write_zst(const char *folder, const char *name, const char *bytes, size_t n)
{
    size_t room = ZSTD_compressBound(n);
    char *packed = malloc(room);
    size_t first = ZSTD_compress(packed, room, bytes, n / 2, 3); // two frames in a row
    scratch_write(folder, "part", packed, first);
    text t = {0};
    text_add_bytes(&t, packed, first);
    size_t second = ZSTD_compress(packed, room, bytes + n / 2, n - n / 2, 3);
    assert_false(ZSTD_isError(second));
    text_add_bytes(&t, packed, second);
    scratch_write(folder, name, t.at, t.length);
    text_free(&t);
    free(packed);
}

static dataset_options jsonl(const char *path)
{
    return (dataset_options){.format = "jsonl", .path = path, .subsets = "meta.pile_set_name"};
}

static void check_lines(const char *folder, const char *path)
{
    dataset *d = open_data(jsonl(path));
    assert_true(dataset_is_text(d));
    assert_int_equal(dataset_subsets(d), 2);
    assert_string_equal(dataset_subset(d, 0), "b"); // in order of first appearance
    assert_string_equal(dataset_subset(d, 1), "a b");
    assert_int_equal(dataset_count(d, 0), 4);
    samples *s = open_samples(d, plain_spec(folder, 100));
    expect_texts(s, 0, PART_EVALUATE, "^one|^three|^fourth"); // the empty one is no sample
    expect_texts(s, 1, PART_EVALUATE, "^t\xC3\xA4\n\xF0\x9F\x98\x80\xEF\xBF\xBD");
    samples_close(s);
    dataset_close(d);
}

static void test_lines(void **state)
{
    (void)state;
    static const char lines[] = LINES;
    char *f = scratch_new();
    plain_tokenizer(f);
    scratch_write(f, "a.jsonl", lines, strlen(lines));
    scratch_write_gz(f, "packed", lines, strlen(lines)); // told by its bytes, not by its name
    write_zst(f, "b.jsonl.zst", lines, strlen(lines));
    const char *const names[] = {"a.jsonl", "packed", "b.jsonl.zst"};
    for (int i = 0; i < 3; i++) {
        char *path = file_join(f, names[i]);
        check_lines(f, path);
        free(path);
    }
    scratch_free(f);
}

static void test_shards(void **state)
{
    (void)state;
    static const char one[] = "{\"text\":\"one\"}\n", two[] = "{\"text\":\"two\"}\n";
    char *f = scratch_new(), *data = file_join(f, "data");
    plain_tokenizer(f);
    scratch_write(data, "train/b.jsonl", one, strlen(one));
    scratch_write_gz(data, "train/a.jsonl.gz", two, strlen(two));
    scratch_write(data, "val.jsonl", two, strlen(two));
    scratch_write(data, "notes.txt", "no", 2);
    dataset_options o = {.format = "jsonl", .path = data};
    dataset *d = open_data(o);
    assert_int_equal(dataset_subsets(d), 3);
    assert_string_equal(dataset_subset(d, 0), "train/a");
    assert_string_equal(dataset_subset(d, 2), "val");
    assert_int_equal(dataset_ignored(d), 1);
    dataset_close(d);
    o.split = "validation";
    d = open_data(o);
    assert_int_equal(dataset_subsets(d), 1);
    samples *s = open_samples(d, plain_spec(f, 10));
    expect_texts(s, 0, PART_EVALUATE, "^two");
    samples_close(s);
    dataset_close(d);
    o.split = "test";
    expect_open_failure(o, ERR_INPUT, "data", "test");
    o.split = "trian";
    expect_open_failure(o, ERR_USAGE, NULL, "did you mean train?");
    free(data);
    scratch_free(f);
}

// Documents of subset `name` in file `number`: "6:latin:0".
static void write_many(const char *folder, int number, const char *const *names, int documents)
{
    text t = {0};
    for (int i = 0; i < documents; i++) {
        const char *name = names[(number + i) % 3];
        text_addf(&t, "{\"text\":\"%d:%s:%d\",\"set\":\"%s\"}\n", number, name, i, name);
    }
    char *file = text_format("%d.jsonl", number);
    scratch_write(folder, file, text_get(&t), t.length);
    text_free(&t);
    free(file);
}

// All texts of all subsets, as one.
static char *every_text(const char *folder, dataset_options o)
{
    text all = {0};
    int32_t ids[64], target[64];
    dataset *d = open_data(o);
    samples *s = open_samples(d, plain_spec(folder, 60));
    for (int k = 0; k < dataset_subsets(d); k++) {
        text_addf(&all, "\n%s %lld:", dataset_subset(d, k), (long long)dataset_count(d, k));
        for (int64_t i = 0; i < samples_count(s, k, PART_EVALUATE); i++) {
            assert_int_equal(samples_text(s, k, PART_EVALUATE, i, ids, target), OK);
            text_add(&all, " ");
            for (int64_t r = 1; r < samples_rows(s, k, PART_EVALUATE, i); r++)
                text_addf(&all, "%c", ids[r]);
        }
    }
    samples_close(s);
    dataset_close(d);
    return all.at;
}

// Files are indexed side by side: the same comes out as one by one, and of two faults the first.
static void test_threads(void **state)
{
    (void)state;
    static const char *const names[] = {"latin", "greek", "runes"}, *const late[] = {"z", "z", "z"};
    char *f = scratch_new(), *data = file_join(f, "data");
    plain_tokenizer(f);
    for (int i = 0; i < 8; i++)
        write_many(data, i, names, 3 * i);
    write_many(data, 8, late, 5);
    dataset_options o = {.format = "jsonl", .path = data, .subsets = "set", .collect = 0};
    for (int64_t limit = 0; limit < 2000; limit = 3 * limit + 20) {
        o.limit = limit;
        o.threads = 1;
        char *alone = every_text(f, o);
        assert_non_null(strstr(alone, "greek 28: "));
        assert_non_null(strstr(alone, "\nz 5: 8:z:0"));
        for (o.threads = 2; o.threads < 6; o.threads++) {
            char *together = every_text(f, o);
            assert_string_equal(together, alone);
            free(together);
        }
        free(alone);
    }
    scratch_write(data, "3.jsonl", "{\"text\":1,\"set\":\"x\"}\n", 22);
    scratch_write(data, "4.jsonl", "{", 1);
    o.threads = 4;
    expect_open_failure(o, ERR_INPUT, "3.jsonl:1", "not a text");
    free(data);
    scratch_free(f);
}

// Documents are taken whole until there are more tokens than the limit; parts do not overlap.
static void test_budgets(void **state)
{
    (void)state;
    char *f = scratch_new(), *path = file_join(f, "x.jsonl");
    text t = {0};
    for (int i = 0; i < 600; i++) // more than a batch
        text_addf(&t, "{\"text\":\"%c%c%c\",\"s\":\"%c\"}\n", 'a' + i / 2 % 26, '0' + i % 10, 'x',
                  i % 2 ? 'o' : 'e');
    plain_tokenizer(f);
    scratch_write(f, "x.jsonl", t.at, t.length);
    dataset_options o = {
        .format = "jsonl", .path = path, .subsets = "s", .limit = 12, .collect = 0.5};
    dataset *d = open_data(o);
    assert_int_equal(dataset_count(d, 0), 300);
    samples *s = open_samples(d, plain_spec(f, 100));
    expect_texts(s, 0, PART_COLLECT, "^a0x|^b2x");
    expect_texts(s, 0, PART_EVALUATE, "^c4x|^d6x");       // 12 tokens are not more than 12
    samples *again = open_samples(d, plain_spec(f, 100)); // found again
    expect_texts(again, 1, PART_COLLECT, "^a1x|^b3x");
    samples_close(again);
    again = open_samples(d, plain_spec(f, 3)); // made anew: 3 tokens a sample
    expect_texts(again, 1, PART_COLLECT, "^a1|^b3");
    expect_texts(again, 1, PART_EVALUATE, "^c5|^d7|^e9");
    samples_close(again);
    samples_close(s);
    dataset_close(d);
    o.collect = -1;
    o.limit = 1;
    o.context = 2;
    o.keep = (const char *const[]){"o"};
    o.n_keep = 1;
    d = open_data(o);
    assert_int_equal(dataset_subsets(d), 1);
    s = open_samples(d, plain_spec(f, 100));
    expect_texts(s, 0, PART_COLLECT, "^a");
    expect_texts(s, 0, PART_EVALUATE, "^a");
    samples_close(s);
    dataset_close(d);
    o.keep = (const char *const[]){"p"};
    expect_open_failure(o, ERR_USAGE, NULL, "unknown subset p; did you mean e?");
    text_free(&t);
    free(path);
    scratch_free(f);
}

static void test_packed(void **state)
{
    (void)state;
    static const char lines[] = "{\"text\":\"abc\"}\n{\"text\":\"\"}\n{\"text\":\"defghi\"}\n"
                                "{\"text\":\"jk\"}\n";
    char *f = scratch_new(), *path = file_join(f, "x.jsonl");
    plain_tokenizer(f);
    scratch_write(f, "x.jsonl", lines, strlen(lines));
    dataset_options o = {.format = "jsonl", .path = path, .pack = true, .context = 5};
    dataset *d = open_data(o);
    samples *s = open_samples(d, plain_spec(f, 100));
    expect_texts(s, 0, PART_EVALUATE, "^abc^|^defg|hi^jk"); // ^abc ^ ^defghi ^jk
    samples_close(s);
    dataset_close(d);
    o.context = 7;
    o.limit = 7;
    d = open_data(o);
    s = open_samples(d, plain_spec(f, 100));
    expect_texts(s, 0, PART_EVALUATE, "^abc^^d|efghi^j"); // the k alone is no sample
    samples_close(s);
    dataset_close(d);
    free(path);
    scratch_free(f);
}

static void test_text_folders(void **state)
{
    (void)state;
    char *f = scratch_new(), *data = file_join(f, "data");
    plain_tokenizer(f);
    scratch_write(data, "b/2.txt", "second", 6);
    scratch_write(data, "b/1.txt", "first", 5);
    scratch_write(data, "b/deep/.hidden", "no", 2);
    scratch_write_gz(data, "b/deep/3.txt", "third", 5);
    scratch_write(data, "b-c/x", "bc", 2);
    scratch_write(data, "whole.md", "abcdefgh", 8);
    scratch_write(data, "b/image.png", "\x89PNG", 4);
    dataset_options o = {.format = "text", .path = data, .context = 4};
    dataset *d = open_data(o);
    assert_int_equal(dataset_subsets(d), 3);
    assert_string_equal(dataset_subset(d, 0), "b"); // sorted names: b before b-c
    assert_string_equal(dataset_subset(d, 1), "b-c");
    assert_string_equal(dataset_subset(d, 2), "whole");
    assert_int_equal(dataset_count(d, 0), 3);
    samples *s = open_samples(d, plain_spec(f, 100));
    expect_texts(s, 0, PART_EVALUATE, "^fir|^sec|^thi");
    expect_texts(s, 1, PART_EVALUATE, "^bc");
    expect_texts(s, 2, PART_EVALUATE, "^abc|defg"); // a file by itself is cut all along; h is left
    samples_close(s);
    dataset_close(d);
    o.subsets = "file";
    d = open_data(o);
    assert_int_equal(dataset_subsets(d), 5);
    assert_string_equal(dataset_subset(d, 2), "b/deep/3");
    dataset_close(d);
    free(data);
    scratch_free(f);
}

// A file longer than a block gives the same ids as in one piece, and is not held in memory.
static void test_long_file(void **state)
{
    (void)state;
    char *f = scratch_new(), *path = file_join(f, "long.txt");
    size_t n = ((size_t)20 << 20) + 1; // and <s>: the last sample is of two tokens
    char *bytes = malloc(n);
    plain_tokenizer(f);
    for (size_t i = 0; i < n; i++)
        bytes[i] = i % 61 == 60 ? '\n' : (char)('a' + i % 23);
    scratch_write(f, "long.txt", bytes, n);
    dataset *d = open_data((dataset_options){.format = "text", .path = path});
    samples *s = open_samples(d, plain_spec(f, 1 << 20));
    int64_t rows = 0, count = samples_count(s, 0, PART_EVALUATE);
    int32_t *ids = malloc(sizeof *ids << 20), *target = malloc(sizeof *target << 20);
    for (int64_t i = 0; i < count; i++) {
        assert_int_equal(samples_text(s, 0, PART_EVALUATE, i, ids, target), OK);
        for (int64_t k = 0; k < samples_rows(s, 0, PART_EVALUATE, i); k++, rows++)
            if (ids[k] != (rows ? bytes[rows - 1] : BOS))
                fail_msg("id %lld is %d", (long long)rows, ids[k]);
    }
    assert_int_equal(rows, n + 1);
    free(ids);
    free(target);
    free(bytes);
    samples_close(s);
    dataset_close(d);
    free(path);
    scratch_free(f);
}

static void test_tokens(void **state)
{
    (void)state;
    static const uint16_t flat[] = {1, 2, 3, 4, 5, 6, 7};
    static const uint32_t wide[] = {65, 66, 67, 68};
    char *f = scratch_new(), *data = file_join(f, "data");
    char npy[256] =
        "\x93NUMPY\x01\0\x76\0{'descr': '<i8', 'fortran_order': False, 'shape': (2, 3), }";
    int64_t rows[] = {97, 98, 99, 100, 101, 102};
    memset(npy + strlen("\x93NUMPY\x01") + 3 + 58, ' ', 128 - 10 - 58);
    size_t header = 10 + 0x76;
    memset(npy + 10 + strlen(npy + 10), ' ', header - 10 - strlen(npy + 10));
    memcpy(npy + header, rows, sizeof rows);
    scratch_write(data, "a.bin", flat, sizeof flat);
    scratch_write(data, "b.npy", npy, header + sizeof rows);
    dataset_options o = {.format = "tokens", .path = data, .context = 4};
    dataset *d = open_data(o);
    assert_int_equal(dataset_subsets(d), 2);
    samples *s = open_samples(d, plain_spec("/nowhere", 100)); // no tokenizer is looked for
    expect_texts(s, 0, PART_EVALUATE, "\1\2\3\4|\5\6\7");
    expect_texts(s, 1, PART_EVALUATE, "abc|def");
    samples_close(s);
    dataset_close(d);
    o.pack = true;
    o.limit = 3;
    d = open_data(o);
    s = open_samples(d, plain_spec("/nowhere", 100));
    expect_texts(s, 1, PART_EVALUATE, "abcd");
    samples_close(s);
    dataset_close(d);
    scratch_write(f, "w.bin", wide, sizeof wide);
    char *path = file_join(f, "w.bin");
    o = (dataset_options){.format = "tokens", .path = path, .dtype = "uint32"};
    d = open_data(o);
    s = open_samples(d, plain_spec("/nowhere", 100));
    expect_texts(s, 0, PART_EVALUATE, "ABCD");
    samples_close(s);
    dataset_close(d);
    free(path);
    free(data);
    scratch_free(f);
}

static void test_wrong_use(void **state)
{
    (void)state;
    char *f = scratch_new(), *path = file_join(f, "x.jsonl");
    plain_tokenizer(f);
    scratch_write(f, "x.jsonl", "{\"text\":\"ab\"}", 13);
    dataset *d = open_data((dataset_options){.format = "jsonl", .path = path, .context = 50});
    samples *s = NULL;
    sample_spec spec = plain_spec(f, 49);
    expect_failure(samples_open(d, &spec, &s), ERR_USAGE, "x.jsonl", "context: 50");
    spec = plain_spec("/nowhere", 100);
    expect_failure(samples_open(d, &spec, &s), ERR_INPUT, "/nowhere", "tokenizer:");
    spec = plain_spec(f, 100);
    spec.vocabulary = 256; // without <s>
    expect_failure(samples_open(d, &spec, &s), ERR_INPUT, "tokenizer.json", "token id 256");
    spec.text = false;
    expect_failure(samples_open(d, &spec, &s), ERR_INPUT, "x.jsonl", "holds text");
    assert_null(s);
    s = open_samples(d, plain_spec(f, 100));
    int32_t id;
    assert_int_equal(samples_last_token(s, "xyz", &id), OK);
    assert_int_equal(id, 'z');
    samples_close(s);
    dataset_close(d);
    free(path);
    scratch_free(f);
}

// Ids beyond what memory is given lie in a file; nothing is lost on either side of the border.
static void test_store(void **state)
{
    (void)state;
    for (int wide = 0; wide < 2; wide++) {
        token_store *s = NULL;
        int32_t ids[1000], back[3000];
        assert_int_equal(token_store_new(wide ? 1 << 20 : 1 << 16, 4096, &s), OK);
        for (int32_t k = 0; k < 3000; k++) {
            for (int32_t i = 0; i < 1000; i++)
                ids[i] = (k * 1000 + i) * 7 % (wide ? 1 << 20 : 1 << 16);
            assert_int_equal(token_store_add(s, ids, 1000), OK);
        }
        assert_int_equal(token_store_count(s), 3000000);
        for (int32_t at = 0; at < 3000000 - 3000; at += 2999) {
            assert_int_equal(token_store_read(s, at, 3000, back), OK);
            for (int32_t i = 0; i < 3000; i++)
                assert_int_equal(back[i], (at + i) * 7 % (wide ? 1 << 20 : 1 << 16));
        }
        token_store_free(s);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lines),     cmocka_unit_test(test_shards),
        cmocka_unit_test(test_threads),   cmocka_unit_test(test_budgets),
        cmocka_unit_test(test_packed),    cmocka_unit_test(test_text_folders),
        cmocka_unit_test(test_long_file), cmocka_unit_test(test_tokens),
        cmocka_unit_test(test_wrong_use), cmocka_unit_test(test_store),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
