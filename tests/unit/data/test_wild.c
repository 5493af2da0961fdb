// SPDX-License-Identifier: Apache-2.0
// Data as they are found: what is harmless is passed over, what is not is refused with its place.
#include "plain_tokenizer.h"

#include <unistd.h>
#include <zstd.h>

// A file's bytes, with room for `more` behind them.
static char *read_with_room(const char *path, size_t more, size_t *n)
{
    char *bytes;
    assert_int_equal(file_read(path, (size_t)1 << 20, &bytes, n), OK);
    char *all = calloc(1, *n + more);
    memcpy(all, bytes, *n);
    free(bytes);
    return all;
}

static void write_text(const char *folder, const char *name, const char *bytes)
{
    scratch_write(folder, name, bytes, strlen(bytes));
}

// NaN and the infinities, as Python writes them, in fields that nobody asked for.
static void test_no_numbers(void **state)
{
    (void)state;
    char *f = scratch_new(), *path = file_join(f, "x.jsonl");
    plain_tokenizer(f);
    write_text(f, "x.jsonl",
               "{\"score\":NaN,\"text\":\"one\"}\n{\"a\":[Infinity,-Infinity],\"text\":\"two\"}\n"
               "{\"text\":\"three\",\"meta\":{\"x\": NaN }}\n");
    dataset *d = open_data((dataset_options){.format = "jsonl", .path = path});
    samples *s = open_samples(d, plain_spec(f, 100));
    expect_texts(s, 0, PART_EVALUATE, "^one|^two|^three");
    samples_close(s);
    dataset_close(d);
    static const struct {
        const char *line, *what;
    } bad[] = {{"{\"text\":NaN}", "is not a text"},
               {"{\"text\":\"a\",\"b\":nan}", "not a value"},
               {"{\"text\":\"a\",\"b\":+Infinity}", "not a value"},
               {"{\"text\":\"a\",\"b\":NaNs}", "',' or '}'"},
               {"{\"text\":\"a\",\"s\":NaN}", "neither a text nor a number"}};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        write_text(f, "x.jsonl", bad[i].line);
        expect_open_failure(
            (dataset_options){.format = "jsonl", .path = path, .subsets = i == 4 ? "s" : NULL},
            ERR_INPUT, "x.jsonl:1", bad[i].what);
    }
    free(path);
    scratch_free(f);
}

#define GOOD(WORD) "{\"text\":\"" WORD "\",\"s\":\"x\"}\n"

// What is broken in lines of two files is passed over and counted, up to the number.
static void test_bad_lines(void **state)
{
    (void)state;
    char *f = scratch_new(), *path = file_join(f, "data");
    plain_tokenizer(f);
    write_text(f, "data/a.jsonl",
               GOOD("one") "{\"text\":null,\"s\":\"x\"}\n" GOOD("two") "{\"s\":\"x\"}\n");
    write_text(
        f, "data/b.jsonl",
        "{\"text\":\"\xff\",\"s\":\"x\"}\n" GOOD("three") "{\"text\":\"cut\n{\"text\":\"a\"}\n");
    dataset_options o = {.format = "jsonl", .path = path, .subsets = "s", .skip_bad = 5};
    for (o.threads = 1; o.threads <= 3; o.threads++) {
        dataset *d = open_data(o);
        assert_int_equal(dataset_count(d, 0), 3);
        assert_int_equal(dataset_skipped(d), 5);
        samples *s = open_samples(d, plain_spec(f, 100));
        expect_texts(s, 0, PART_EVALUATE, "^one|^two|^three");
        assert_int_equal(samples_skipped(s), 5);
        samples_close(s);
        dataset_close(d);
        o.skip_bad = 4; // the last one is too many
        expect_open_failure(o, ERR_INPUT, "b.jsonl:4",
                            "field s is missing; mend the line or name "
                            "another field; skip_bad: 4 are passed over");
        o.skip_bad = 1; // the second of the first file
        expect_open_failure(o, ERR_INPUT, "a.jsonl:4", "skip_bad: 1 are");
        o.skip_bad = 5;
    }
    o.skip_bad = 0;
    expect_open_failure(o, ERR_INPUT, "a.jsonl:2", "field text is not a text");
    free(path);
    scratch_free(f);
}

static void expect_skipped(dataset_options o, const char *texts, int skipped)
{
    char *f = scratch_new();
    plain_tokenizer(f);
    dataset *d = open_data(o);
    samples *s = open_samples(d, plain_spec(f, 100));
    expect_texts(s, 0, PART_EVALUATE, texts);
    assert_int_equal(dataset_skipped(d), skipped);
    samples_close(s);
    dataset_close(d);
    scratch_free(f);
}

#define WRONG "tests/reference/parquet/wrong/"

static void test_bad_rows(void **state)
{
    (void)state;
    dataset_options o = {.format = "parquet", .skip_bad = 1};
    o.path = WRONG "null-text.parquet";
    expect_skipped(o, "^a|^b", 1);
    o.path = WRONG "no-utf8.parquet";
    expect_skipped(o, "^a", 1);
    o.path = WRONG "null-subset.parquet";
    o.subsets = "set";
    expect_skipped(o, "^a", 1);
    o = (dataset_options){.format = "cifar100", .path = "examples/glyph100", .skip_bad = 1};
    expect_open_failure(o, ERR_USAGE, "skip_bad",
                        "of format cifar100 images cannot be passed over");
    o = (dataset_options){.format = "mmlu", .path = "examples/debquiz", .skip_bad = 1};
    expect_open_failure(o, ERR_USAGE, "skip_bad", "of format mmlu questions cannot");
}

// Notes of libraries beside the data, which are JSON too; what is data under that ending stays.
static void test_notes(void **state)
{
    (void)state;
    char *f = scratch_new(), *path = file_join(f, "data");
    dataset_options o = {.format = "jsonl", .path = path};
    write_text(f, "data/train.jsonl", GOOD("one"));
    write_text(f, "data/dataset_infos.json", "{\n \"default\": {}\n}\n");
    write_text(f, "data/state.json", "{\"_data_files\": [{\"filename\": \"x\"}]}");
    write_text(f, "data/train.jsonl.lock", "");
    write_text(f, "data/more.json", GOOD("two"));
    write_text(f, "data/config.json", "{\"builder\": \"text\"}");
    dataset *d = open_data(o);
    assert_int_equal(dataset_subsets(d), 2); // more, train
    assert_int_equal(dataset_ignored(d), 4);
    dataset_close(d);
    write_text(f, "data/train.jsonl", "");
    write_text(f, "data/more.json",
               GOOD("two") "[1]\n"); // data that are broken are not passed over
    expect_open_failure(o, ERR_INPUT, "more.json:2", "'{'");
    free(path);
    path = file_join(f, "alone"); // without a .jsonl any other .json is data
    o.path = path;
    write_text(f, "alone/train.json", GOOD("one"));
    write_text(f, "alone/dataset_info.json", "{\"features\": {}}");
    d = open_data(o);
    assert_int_equal(dataset_subsets(d), 1);
    dataset_close(d);
    write_text(f, "alone/other.json", "{\"features\": {}}");
    expect_open_failure(o, ERR_INPUT, "other.json:1", "field text is missing");
    free(path);
    path = file_join(f, "notes"); // nothing but notes
    o.path = path;
    write_text(f, "notes/dataset_info.json", "{\"features\": {}}");
    write_text(f, "notes/state.json", "{\"features\": {}}");
    expect_open_failure(o, ERR_INPUT, "state.json:1", "field text is missing");
    free(path);
    scratch_free(f);
}

static void expect_lines(const char *name, const void *bytes, size_t n, const char *expected)
{
    char *f = scratch_new(), *path = file_join(f, name);
    plain_tokenizer(f);
    scratch_write(f, name, bytes, n);
    dataset *d = open_data((dataset_options){.format = "jsonl", .path = path});
    samples *s = open_samples(d, plain_spec(f, 100));
    expect_texts(s, 0, PART_EVALUATE, expected);
    samples_close(s);
    dataset_close(d);
    free(path);
    scratch_free(f);
}

static void refused_lines(const char *name, const void *bytes, size_t n, const char *what)
{
    char *f = scratch_new(), *path = file_join(f, name);
    scratch_write(f, name, bytes, n);
    expect_open_failure((dataset_options){.format = "jsonl", .path = path}, ERR_INPUT, name, what);
    free(path);
    scratch_free(f);
}

// Frames that zstd skips: in front, as pzstd writes them, between frames, behind, of any of their
// sixteen kinds, and empty.
static void test_skippable_frames(void **state)
{
    (void)state;
    static const char first[] = GOOD("one"), second[] = GOOD("two");
    const char skipped[] = "\x50\x2a\x4d\x18\4\0\0\0size", empty[] = "\x5f\x2a\x4d\x18\0\0\0\0";
    char packed[2][256];
    size_t n[2] = {ZSTD_compress(packed[0], 256, first, strlen(first), 3),
                   ZSTD_compress(packed[1], 256, second, strlen(second), 3)};
    text t = {0};
    text_add_bytes(&t, skipped, 12);
    text_add_bytes(&t, packed[0], n[0]);
    text_add_bytes(&t, empty, 8);
    text_add_bytes(&t, packed[1], n[1]);
    size_t all = t.length;
    text_add_bytes(&t, skipped, 12);
    expect_lines("x.jsonl.zst", t.at, t.length, "^one|^two");
    expect_lines("x.jsonl.zst", t.at, all, "^one|^two");
    expect_lines("x.jsonl.zst", t.at + 12, all - 12, "^one|^two");
    t.length = 0;
    text_add_bytes(&t, empty, 8);
    text_add_bytes(&t, packed[0], n[0]);
    expect_lines("x.jsonl", t.at, t.length, "^one");
    refused_lines("x.jsonl", t.at, 6, "cut short");
    refused_lines("x.jsonl", t.at, t.length - 1, "cut short");
    text_free(&t);
}

// Zeros behind gzip, also many, and of a file of images; zeros with something behind them are none.
static void test_zeros_behind_gzip(void **state)
{
    (void)state;
    static const char lines[] = GOOD("one");
    static const char images[] = "\0\0\10\3\0\0\0\2\0\0\0\1\0\0\0\1ab",
                      labels[] = "\0\0\10\1\0\0\0\2\1\2";
    char *f = scratch_new(), *path = file_join(f, "x"), *bytes;
    size_t n, many = 600000;
    scratch_write_gz(f, "x", lines, strlen(lines));
    bytes = read_with_room(path, many, &n);
    expect_lines("x.jsonl.gz", bytes, n + 1, "^one");
    expect_lines("x.jsonl.gz", bytes, n + 512, "^one");
    expect_lines("x.jsonl.gz", bytes, n + many, "^one");
    bytes[n + 9] = 'x';
    refused_lines("x.jsonl.gz", bytes, n + 20, "zeros behind its end");
    memcpy(bytes + n, bytes, n); // a second member has no zeros before it
    memset(bytes + 2 * n, 0, 9);
    expect_lines("x.jsonl.gz", bytes, 2 * n + 9, "^one|^one");
    refused_lines("x.jsonl.gz", "\0\0\0\0", 4, "'{' is expected");
    free(bytes);
    free(path);
    scratch_write_gz(f, "t10k-images-idx3-ubyte.gz", images, sizeof images - 1);
    scratch_write_gz(f, "t10k-labels-idx1-ubyte.gz", labels, sizeof labels - 1);
    path = file_join(f, "t10k-images-idx3-ubyte.gz");
    bytes = read_with_room(path, 100, &n);
    scratch_write(f, "t10k-images-idx3-ubyte.gz", bytes, n + 100);
    dataset *d = open_data((dataset_options){.format = "idx", .path = path});
    assert_int_equal(dataset_count(d, 0), 1);
    dataset_close(d);
    bytes[n + 50] = 1;
    scratch_write(f, "t10k-images-idx3-ubyte.gz", bytes, n + 100);
    expect_open_failure((dataset_options){.format = "idx", .path = path}, ERR_INPUT, path, "gzip");
    free(bytes);
    free(path);
    scratch_free(f);
}

#define IMAGE "tests/reference/images/bits1.png"

static void link_to(const char *folder, const char *name, const char *to)
{
    char *path = file_join(folder, name);
    assert_int_equal(symlink(to, path), 0);
    free(path);
}

// What systems leave in folders, and links to nothing, in folders of images and of texts.
static void test_clutter(void **state)
{
    (void)state;
    static const char *const folders[] = {"__MACOSX", "lost+found", "@eaDir", "$RECYCLE.BIN"};
    char *f = scratch_new();
    for (size_t i = 0; i < sizeof folders / sizeof *folders; i++) {
        char *inner = text_format("%s/cats/._1.png", folders[i]);
        scratch_copy(IMAGE, f, inner);
        free(inner);
    }
    scratch_copy(IMAGE, f, "cats/1.png");
    scratch_copy(IMAGE, f, "cats/__MACOSX/2.png");
    scratch_copy(IMAGE, f, "dogs/1.png");
    write_text(f, "cats/Thumbs.db", "junk");
    write_text(f, "desktop.ini", "junk");
    link_to(f, "dogs/2.png", "gone.png");
    link_to(f, "nothing", "gone");
    dataset *d = open_data((dataset_options){.format = "images", .path = f});
    assert_int_equal(dataset_subsets(d), 2);
    assert_int_equal(dataset_count(d, 0) + dataset_count(d, 1), 2);
    assert_int_equal(dataset_ignored(d), 9); // five folders, two files, two links
    dataset_close(d);
    scratch_copy(IMAGE, f, "lost/1.png"); // no name of a system's
    link_to(f, "mice", "gone");
    d = open_data((dataset_options){.format = "images", .path = f});
    assert_int_equal(dataset_subsets(d), 3);
    dataset_close(d);
    scratch_free(f);
    f = scratch_new();
    write_text(f, "a.txt", "one");
    write_text(f, "__MACOSX/a.txt", "two");
    write_text(f, "lost+found/a.txt", "three");
    link_to(f, "b.txt", "gone");
    d = open_data((dataset_options){.format = "text", .path = f});
    assert_int_equal(dataset_subsets(d), 1);
    assert_int_equal(dataset_ignored(d), 1);
    dataset_close(d);
    scratch_free(f);
}

// One bad file among good ones is found when the dataset is opened, or passed over and counted. What
// programs leave behind an image is no fault.
static void test_bad_images(void **state)
{
    (void)state;
    static const char *const whole[] = {"grey.jpg", "rgb.png"};
    char *f = scratch_new(), *bytes;
    size_t n;
    scratch_copy("tests/reference/images/rgb.png", f, "dogs/1.png");
    scratch_copy("tests/reference/images/grey.jpg", f, "cats/1.jpg");
    dataset_options o = {.format = "images", .path = f, .skip_bad = 1};
    for (size_t i = 0; i < 2; i++) {
        char *from = file_join("tests/reference/images", whole[i]);
        bytes = read_with_room(from, 1000, &n);
        memset(bytes + n, 'x', 1000);
        const struct {
            size_t n;
            bool good;
        } cases[] = {{n, true},      {n + 1, true}, {n + 1000, true},
                     {n / 2, false}, {40, false},   {0, false}};
        for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
            scratch_write(f, "cats/2.jpg", bytes, cases[k].n);
            dataset *d = open_data(o);
            assert_int_equal(dataset_count(d, 0), cases[k].good ? 2 : 1);
            assert_int_equal(dataset_skipped(d), !cases[k].good);
            dataset_close(d);
            o.skip_bad = 0;
            if (cases[k].good)
                dataset_close(open_data(o));
            else
                expect_open_failure(o, ERR_INPUT, "cats/2.jpg", NULL);
            o.skip_bad = 1;
        }
        free(bytes);
        free(from);
    }
    write_text(f, "cats/2.jpg", "<html>not found</html>");
    write_text(f, "dogs/2.png", "GIF89a..........");
    expect_open_failure(o, ERR_INPUT, "dogs/2.png", "skip_bad: 1 are passed over already");
    o.skip_bad = 2;
    dataset *d = open_data(o);
    assert_int_equal(dataset_skipped(d), 2);
    dataset_close(d);
    write_text(f, "dogs/1.png", "");
    o.skip_bad = 3; // a class of nothing else is no class
    expect_open_failure(o, ERR_INPUT, "dogs", "holds no JPEG, PNG or WebP image");
    scratch_free(f);
}

// Questions under a header, or with answers 0 to 3: their answers, by letter.
static void expect_answers(const char *csv, const char *expected)
{
    char *f = scratch_new(), *path = file_join(f, "x_test.csv");
    text got = {0};
    plain_tokenizer(f);
    write_text(f, "x_test.csv", csv);
    dataset *d = open_data(
        (dataset_options){.format = "mmlu", .path = path, .collect = DATASET_COLLECT_DEFAULT});
    samples *s = open_samples(d, plain_spec(f, 1000));
    for (int64_t i = 0; i < samples_count(s, 0, PART_EVALUATE); i++) {
        int32_t ids[1000], target[1000];
        assert_int_equal(samples_text(s, 0, PART_EVALUATE, i, ids, target), OK);
        text_addf(&got, "%c", target[samples_rows(s, 0, PART_EVALUATE, i) - 1]);
    }
    assert_string_equal(text_get(&got), expected);
    text_free(&got);
    samples_close(s);
    dataset_close(d);
    free(path);
    scratch_free(f);
}

static void refused_answers(const char *csv, const char *where, const char *what)
{
    char *f = scratch_new(), *path = file_join(f, "x_test.csv");
    write_text(f, "x_test.csv", csv);
    expect_open_failure((dataset_options){.format = "mmlu", .path = path}, ERR_INPUT, where, what);
    free(path);
    scratch_free(f);
}

static void test_spellings_of_answers(void **state)
{
    (void)state;
    expect_answers("question,A,B,C,D,answer\nq,a,b,c,d,C\nr,a,b,c,d,A\n", "CA");
    expect_answers("input,A,B,C,D,Target\nq,a,b,c,d,3\nr,a,b,c,d,0\n", "DA");
    expect_answers("q,a,b,c,d,0\nr,a,b,c,d,2\n", "AC");
    refused_answers("question,A,B,C,D,answer\n", "x_test.csv", "no question");
    refused_answers("q,a,b,c,d,0\nr,a,b,c,d,B\n", "x_test.csv:2",
                    "0, 1, 2 or 3, as in its first row");
    refused_answers("q,a,b,c,d,B\nr,a,b,c,d,1\n", "x_test.csv:2", "A, B, C or D");
    refused_answers("q,a,b,c,d,0\nr,a,b,c,d,4\n", "x_test.csv:2", "the answer is 4");
    refused_answers("q,a,b,c,d,1\nr,a,b,c,d,3\n", "x_test.csv", "1 to 3 and never 0");
    refused_answers("q,a,b,c,d,B\nquestion,A,B,C,D,answer\n", "x_test.csv:2",
                    "the answer is answer");
}

// Images in Parquet: the labels and rows of those that are left.
static void expect_images(const char *path, int64_t skip, int left, const char *label)
{
    image one = {0};
    dataset *d = open_data((dataset_options){.format = "parquet", .path = path, .skip_bad = skip});
    assert_int_equal(dataset_skipped(d), skip);
    assert_int_equal(dataset_count(d, 0), left);
    for (int k = 0; k < left; k++) {
        assert_int_equal(dataset_image(d, 0, k, &one), OK);
        assert_string_equal(dataset_label_name(d, dataset_label(d, 0, k)), label);
    }
    image_free(&one);
    dataset_close(d);
}

static void test_bad_rows_of_images(void **state)
{
    (void)state;
    expect_images(WRONG "null-image.parquet", 1, 1, "0");
    expect_images(WRONG "real-label.parquet", 1, 1, "1"); // 1.5 is no class
    expect_images(WRONG "bad-images.parquet", 4, 3, "7"); // between, in front and behind
    dataset_options o = {.format = "parquet", .path = WRONG "bad-images.parquet", .skip_bad = 3};
    expect_open_failure(o, ERR_INPUT, "bad-images.parquet:7",
                        "skip_bad: 3 are passed over already");
    // Without skip_bad it is found as it is read, or, where that is asked for, before.
    o = (dataset_options){.format = "parquet", .path = WRONG "late-image.parquet"};
    dataset_close(open_data(o));
    o.first_records = true;
    dataset_close(open_data(o));
    o = (dataset_options){.format = "parquet", .path = o.path, .whole_images = true};
    expect_open_failure(o, ERR_INPUT, "late-image.parquet:3", NULL);
    o = (dataset_options){.format = "parquet", .path = WRONG "no-image.parquet", .skip_bad = 3};
    expect_open_failure(o, ERR_INPUT, "no-image.parquet", "holds no samples");
}

// What is looked at first is so many bytes of texts, or ids, not both of the same.
static void test_first_bytes(void **state)
{
    (void)state;
    enum { LINES = 600, BYTES = 700 };
    char *f = scratch_new(), *path = file_join(f, "x.jsonl");
    text lines = {0};
    plain_tokenizer(f);
    for (int i = 0; i < LINES; i++)
        text_addf(&lines, "{\"text\":\"%0*d\"}\n", BYTES, i);
    write_text(f, "x.jsonl", text_get(&lines));
    dataset_options o = {.format = "jsonl", .path = path, .first_records = true};
    dataset *d = open_data(o);
    samples *s = open_samples(d, plain_spec(f, 100));
    assert_in_range(samples_count(s, 0, PART_EVALUATE), (1 << 18) / (BYTES + 20),
                    (1 << 18) / BYTES);
    samples_close(s);
    dataset_close(d);
    text_free(&lines);
    free(path);
    scratch_free(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_no_numbers),
        cmocka_unit_test(test_bad_lines),
        cmocka_unit_test(test_bad_rows),
        cmocka_unit_test(test_notes),
        cmocka_unit_test(test_skippable_frames),
        cmocka_unit_test(test_zeros_behind_gzip),
        cmocka_unit_test(test_clutter),
        cmocka_unit_test(test_bad_images),
        cmocka_unit_test(test_spellings_of_answers),
        cmocka_unit_test(test_bad_rows_of_images),
        cmocka_unit_test(test_first_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
