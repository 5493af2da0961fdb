// SPDX-License-Identifier: Apache-2.0
// Parquet files as datasets: text, questions and images as hubs have them must give the samples of
// the same data in JSON lines, MMLU's CSV and CIFAR's form; names of classes; and what is wrong with
// a row or a column, said with its place.
#include "plain_tokenizer.h"

#include "pipeline/base/pool.h"

#define HUBS  "tests/reference/parquet/"
#define WRONG "tests/reference/parquet/wrong/"

// Two text datasets give the same samples: subsets by name, ids and targets.
static void expect_same_text(dataset_options a, dataset_options b, int samples_expected)
{
    enum { CONTEXT = 2000 };
    int32_t id[2][CONTEXT], target[2][CONTEXT];
    char *f = scratch_new();
    plain_tokenizer(f);
    dataset *d[2] = {open_data(a), open_data(b)};
    samples *s[2] = {open_samples(d[0], plain_spec(f, CONTEXT)),
                     open_samples(d[1], plain_spec(f, CONTEXT))};
    int n = 0;
    assert_int_equal(dataset_subsets(d[0]), dataset_subsets(d[1]));
    for (int i = 0; i < dataset_subsets(d[0]); i++) {
        assert_string_equal(dataset_subset(d[0], i), dataset_subset(d[1], i));
        for (part p = 0; p < PARTS; p++) {
            assert_int_equal(samples_count(s[0], i, p), samples_count(s[1], i, p));
            for (int64_t k = 0; k < samples_count(s[0], i, p); k++, n++) {
                int64_t rows = samples_rows(s[0], i, p, k);
                assert_int_equal(rows, samples_rows(s[1], i, p, k));
                for (int side = 0; side < 2; side++)
                    assert_int_equal(samples_text(s[side], i, p, k, id[side], target[side]), OK);
                assert_memory_equal(id[0], id[1], (size_t)rows * sizeof **id);
                assert_memory_equal(target[0], target[1], (size_t)rows * sizeof **id);
            }
        }
    }
    assert_int_equal(n, samples_expected);
    for (int side = 0; side < 2; side++) {
        samples_close(s[side]);
        dataset_close(d[side]);
    }
    scratch_free(f);
}

static void test_text(void **state)
{
    (void)state;
    dataset_options a = {.format = "parquet", .path = HUBS "text", .subsets = "meta.pile_set_name"};
    dataset_options b = {.format = "jsonl",
                         .path = HUBS "text-jsonl/documents.jsonl",
                         .subsets = "meta.pile_set_name"};
    a.collect = b.collect = 0.5;
    expect_same_text(a, b, 36);
    a.split = "train";
    a.limit = b.limit = 1200; // tokens: some documents of each
    expect_same_text(a, b, 9);
    a.path = HUBS "text/train-00001-of-00002.parquet";
    dataset *d = open_data(a);
    assert_int_equal(dataset_count(d, 0), 4); // the last 16: of c_code four
    dataset_close(d);
    a.subsets = NULL; // file
    a.path = HUBS "text";
    d = open_data(a);
    assert_int_equal(dataset_subsets(d), 1); // both shards
    assert_string_equal(dataset_subset(d, 0), "train");
    assert_int_equal(dataset_count(d, 0), 36);
    dataset_close(d);
}

static void expect_subsets(const char *by, const char *expected)
{
    text got = {0};
    dataset *d = open_data(
        (dataset_options){.format = "parquet", .path = WRONG "other-kinds.parquet", .subsets = by});
    for (int i = 0; i < dataset_subsets(d); i++)
        text_addf(&got, "%s%s %d", i ? ", " : "", dataset_subset(d, i), (int)dataset_count(d, i));
    assert_string_equal(text_get(&got), expected);
    text_free(&got);
    dataset_close(d);
}

static void test_subsets(void **state)
{
    (void)state;
    expect_subsets("set", "2.5 2, 1 1");
    expect_subsets("on", "true 2, false 1");
    expect_subsets("number", "7 2, 8 1");
    expect_subsets("text", "a 1, b 1, c 1");
    expect_subsets("file", "other-kinds 3");
}

static void test_questions(void **state)
{
    (void)state;
    dataset_options a = {.format = "parquet", .path = HUBS "quiz/all", .shots = 2};
    dataset_options b = {.format = "mmlu", .path = HUBS "quiz-csv", .shots = 2};
    a.collect = b.collect = DATASET_COLLECT_DEFAULT;
    expect_same_text(a, b, 48);
    a.path = HUBS "quiz/all/test-00000-of-00001.parquet";
    a.limit = b.limit = 3;
    expect_same_text(a, b, 12);
    a.split = b.split = "dev";
    a.path = HUBS "quiz";
    a.shots = b.shots = 0;
    expect_same_text(a, b, 12);
    a.shots = 4;
    expect_open_failure(a, ERR_INPUT, "dev-00000", "holds 3 questions of chemistry; shots: 4");
    a.shots = 0;
    a.split = "validation";
    expect_open_failure(a, ERR_INPUT, HUBS "quiz", "holds no validation*.parquet file");
}

// Every question twice, as in MMLU's own repository.
static void test_questions_twice(void **state)
{
    (void)state;
    char *f = scratch_new(), *all = file_join(f, "all");
    scratch_copy(HUBS "quiz/all/test-00000-of-00001.parquet", f, "all/test-00000-of-00001.parquet");
    scratch_copy(HUBS "quiz/all/test-00000-of-00001.parquet", f, "art/test-00000-of-00001.parquet");
    dataset_options o = {.format = "parquet", .path = f};
    expect_open_failure(o, ERR_INPUT, f, "once more in other folders");
    o.path = all;
    dataset_close(open_data(o));
    free(all);
    scratch_free(f);
}

// Pixels, labels and names must be those of the same images in CIFAR's form.
static void test_images(void **state)
{
    (void)state;
    const char *keep[] = {"latin", "digits", "greek", "hebrew"};
    dataset *a = open_data((dataset_options){
        .format = "parquet", .path = HUBS "glyphs", .subsets = "coarse_label", .threads = 2});
    dataset *b = open_data((dataset_options){.format = "cifar100",
                                             .path = "examples/glyph100",
                                             .split = "test",
                                             .subsets = "coarse",
                                             .keep = keep,
                                             .n_keep = 4});
    image one = {0}, other = {0};
    assert_int_equal(dataset_subsets(a), 4);
    assert_int_equal(dataset_labels(a), 100);
    assert_false(dataset_labels_by_name(a));
    assert_in_range(dataset_reading_bytes(a), 2000, 20000);
    for (int i = 0; i < 4; i++) {
        assert_string_equal(dataset_subset(a, i), dataset_subset(b, i));
        assert_int_equal(dataset_count(a, i), 7);
        for (int64_t k = 6; k >= 0; k--) { // backwards: pages are read again
            int32_t label = dataset_label(a, i, k);
            assert_int_equal(label, dataset_label(b, i, k));
            assert_string_equal(dataset_label_name(a, label), dataset_label_name(b, label));
            assert_int_equal(dataset_image(a, i, k, &one), OK);
            assert_int_equal(dataset_image(b, i, k, &other), OK);
            assert_memory_equal(one.pixels, other.pixels, 32 * 32 * 3);
        }
    }
    image_free(&one);
    image_free(&other);
    dataset_close(a);
    a = open_data((dataset_options){.format = "parquet", .path = HUBS "glyphs"}); // fine_label
    assert_in_range(dataset_subsets(a), 5, 28);
    dataset_close(a);
    dataset_close(b);
}

// Images that threads ask for at once, in an order of their own, are each the right one.
typedef struct threads_case {
    const dataset *data;
    uint32_t sum[28]; // of each image, as one thread reads it
    int n;
} threads_case;

static status read_one(void *context, int64_t i, int thread)
{
    (void)thread;
    const threads_case *c = context;
    const int64_t k = i * 13 % c->n;
    image one = {0};
    status st = dataset_image(c->data, (int)(k / 7), k % 7, &one);
    if (st == OK && crc32(0, one.pixels, 32 * 32 * 3) != c->sum[k])
        st = status_fail(ERR_INTERNAL, NULL, "image %d is another one", (int)k);
    image_free(&one);
    return st;
}

static void test_threads(void **state)
{
    (void)state;
    threads_case c = {.n = 28};
    image one = {0};
    pool *p = NULL;
    dataset *d = open_data((dataset_options){
        .format = "parquet", .path = HUBS "glyphs", .subsets = "coarse_label", .threads = 2});
    c.data = d;
    for (int k = 0; k < c.n; k++) {
        assert_int_equal(dataset_image(d, k / 7, k % 7, &one), OK);
        c.sum[k] = (uint32_t)crc32(0, one.pixels, 32 * 32 * 3);
    }
    assert_int_equal(pool_new(4, &p), OK); // more than the two that were promised
    if (pool_run(p, 280, read_one, &c) != OK)
        fail_msg("%s", status_text());
    c.sum[3] ^= 1; // the twin
    assert_int_equal(pool_run(p, 280, read_one, &c), ERR_INTERNAL);
    pool_free(p);
    image_free(&one);
    dataset_close(d);
}

static void test_words(void **state)
{
    (void)state;
    image i = {0};
    dataset *d = open_data((dataset_options){.format = "parquet", .path = WRONG "words.parquet"});
    assert_int_equal(dataset_subsets(d), 2);
    assert_string_equal(dataset_subset(d, 0), "a"); // sorted, as folders are
    assert_int_equal(dataset_count(d, 1), 2);
    assert_int_equal(dataset_label(d, 1, 0), 1);
    assert_true(dataset_labels_by_name(d));
    dataset_close(d);
    d = open_data(
        (dataset_options){.format = "parquet", .path = WRONG "bare-image.parquet", .image = "png"});
    assert_int_equal(dataset_image(d, 0, 0, &i), OK);
    assert_in_range(i.height, 1, 100);
    image_free(&i);
    dataset_close(d);
}

// Names beside the data, where the files themselves tell none.
static void expect_names(const char *folder, const char *expected)
{
    dataset *d = open_data((dataset_options){.format = "parquet", .path = folder});
    text got = {0};
    for (int l = 0; l < dataset_labels(d); l++)
        text_addf(&got, "%s%s", l ? "|" : "", dataset_label_name(d, l));
    assert_string_equal(text_get(&got), expected);
    text_free(&got);
    dataset_close(d);
}

#define HEAD                                                                                       \
    "---\nlicense: mit\ndataset_info:\n  features:\n  - name: image\n    dtype: image\n"           \
    "  - name: label\n    dtype:\n      class_label:\n        names:\n"
#define NAMED HEAD "          '0': a cat\n          '1': 'no: dog'\n"

static void write_text(const char *folder, const char *name, const char *bytes)
{
    scratch_write(folder, name, bytes, strlen(bytes));
}

static void test_names(void **state)
{
    (void)state;
    char *f = scratch_new(), *data = file_join(f, "data");
    scratch_copy(WRONG "null-image.parquet", f, "data/train.parquet");
    expect_names(data, "0");
    write_text(f, "README.md", NAMED "  splits:\n  - name: train\n---\n# '0': not this\n");
    expect_names(f, "a cat|no: dog");
    expect_names(data, "a cat|no: dog"); // from the folder above
    write_text(f, "README.md", "# no head\n" NAMED "---\n");
    expect_names(f, "0");
    write_text(f, "README.md", NAMED "  - name: other\n" NAMED "---\n");
    expect_names(f, "a cat|no: dog"); // twice the same
    write_text(f, "README.md", NAMED "  - name: label\n    names:\n    - x\n---\n");
    expect_names(f, "0"); // two that differ
    write_text(f, "README.md", HEAD "          '1': late\n---\n");
    expect_names(f, "0"); // not in order
    write_text(
        f, "dataset_info.json",
        "{\"features\": {\"label\": {\"names\": [\"x\", \"y\"], \"_type\": \"ClassLabel\"}}}");
    expect_names(data, "x|y");
    write_text(f, "dataset_info.json", "{\"features\": {\"label\": {\"names\": []}}}");
    write_text(f, "README.md", HEAD "          '0': \x01\n---\n");
    expect_open_failure((dataset_options){.format = "parquet", .path = f}, ERR_INPUT, "README.md",
                        "no name");
    free(data);
    scratch_free(f);
}

// What is wrong is said when the dataset is opened, or else when its samples are.
static void refused(const char *name, dataset_options o, const char *where, const char *what)
{
    char *path = text_format(WRONG "%s.parquet", name), *f = scratch_new();
    dataset *d = NULL;
    samples *s = NULL;
    image i = {0};
    plain_tokenizer(f);
    o.format = "parquet";
    o.path = path;
    status st = dataset_open(&o, NULL, &d);
    if (st == OK && dataset_is_text(d))
        st = samples_open(
            d, &(sample_spec){.text = true, .model_path = f, .context = 100, .vocabulary = 257},
            &s);
    else if (st == OK)
        for (int k = 0; k < dataset_count(d, 0) && st == OK; k++)
            st = dataset_image(d, 0, k, &i);
    expect_failure(st, ERR_INPUT, where, what);
    image_free(&i);
    samples_close(s);
    dataset_close(d);
    free(path);
    scratch_free(f);
}

static void test_wrong(void **state)
{
    (void)state;
    const dataset_options none = {0}, by_set = {.subsets = "set"};
    refused("null-text", none, "null-text.parquet:3", "field text is not a text; mend the row");
    refused("number-text", none, "number-text.parquet:1", "field text is not a text");
    refused("no-utf8", none, "no-utf8.parquet:2", "field text is not UTF-8");
    refused("list-text", none, "list-text.parquet", "field text holds lists");
    refused("null-text", (dataset_options){.field = "body"}, "null-text.parquet",
            "field body is missing; name another field; there are: text");
    refused("null-text", by_set, "null-text.parquet", "field set is missing");
    refused("null-subset", by_set, "null-subset.parquet:2", "field set is missing");
    refused("named-subset", by_set, "named-subset.parquet:1", "no name of a subset");
    refused("null-image", none, "null-image.parquet:2", "field image.bytes holds no image");
    refused("no-image", none, "no-image.parquet:1", "neither JPEG, PNG nor WebP");
    refused("two-images", none, "two-images.parquet", "several columns of images, image.bytes and");
    refused("two-images", (dataset_options){.image = "photo"}, "two-images.parquet",
            "no column photo of images");
    refused("words", (dataset_options){.label = "class"}, "words.parquet",
            "field class is missing");
    refused("words", (dataset_options){.image = "label"}, "words.parquet:2", "neither JPEG");
    refused("real-label", (dataset_options){.image = "label"}, "real-label", "no column label of");
    refused("null-label", none, "null-label.parquet:1", "field label is missing");
    refused("real-label", none, "real-label.parquet:2", "field label is no number of a class");
    refused("negative-label", none, "negative-label.parquet:1", "is no number of a class");
    refused("three-choices", none, "three-choices.parquet:1", "field choices has not four choices");
    refused("null-choice", none, "null-choice.parquet:1", "field choices is not a text");
    refused("answer-4", none, "answer-4.parquet:1", "field answer is none of 0 to 3");
    refused("answer-1", none, "answer-1.parquet", "1 to 3 and never 0");
    refused("answer-e", none, "answer-e.parquet:1", "field answer is none of 0 to 3");
    refused("no-subject", none, "no-subject.parquet", "field subject is missing");
    dataset_close(
        open_data((dataset_options){.format = "parquet", .path = WRONG "answer-c.parquet"}));
    expect_open_failure((dataset_options){.format = "parquet", .path = WRONG, .split = "tset"},
                        ERR_USAGE, "split", "did you mean test?");
    expect_open_failure((dataset_options){.format = "parquet", .path = "/nowhere"}, ERR_INPUT,
                        "/nowhere", "does not exist");
}

// Files that other tools wrote, each with the line that turns it into Parquet.
static void foreign(const char *name, const char *head, size_t n, const char *what)
{
    static const char *const formats[] = {"parquet", "jsonl", "text", "images"};
    char *f = scratch_new(), *bytes = calloc(1, 1024);
    memcpy(bytes, head, n);
    memcpy(bytes + 257, "ustar", 5);
    scratch_write(f, name, bytes, 1024);
    for (size_t i = 0; i < sizeof formats / sizeof *formats; i++)
        expect_open_failure((dataset_options){.format = formats[i], .path = f}, ERR_INPUT, f, what);
    free(bytes);
    scratch_free(f);
}

static void test_foreign(void **state)
{
    (void)state;
    foreign("data-00000-of-00001.arrow", "\xff\xff\xff\xff", 4, "d.load_from_disk");
    foreign("train-000.tar", "0000.jpg", 8, "d.load_dataset(\"webdataset\"");
    char *f = scratch_new(), *path = file_join(f, "x.arrow");
    write_text(f, "x.arrow", "ARROW1");
    expect_open_failure((dataset_options){.format = "parquet", .path = path}, ERR_INPUT, path,
                        "a.ipc.open_file");
    bool known;
    expect_failure(dataset_inspect(path, &known), ERR_INPUT, path, "a.ipc.open_file");
    free(path);
    scratch_free(f);
}

int main(void)
{
#if !defined(SULCUS_SNAPPY) || !defined(SULCUS_LZ4)
    puts("skipped: the program is built without Snappy or LZ4, which the files are packed with");
    return 0;
#endif
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_text),      cmocka_unit_test(test_subsets),
        cmocka_unit_test(test_questions), cmocka_unit_test(test_questions_twice),
        cmocka_unit_test(test_images),    cmocka_unit_test(test_threads),
        cmocka_unit_test(test_words),     cmocka_unit_test(test_names),
        cmocka_unit_test(test_wrong),     cmocka_unit_test(test_foreign),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
