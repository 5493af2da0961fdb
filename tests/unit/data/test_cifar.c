// SPDX-License-Identifier: Apache-2.0
// CIFAR's layouts: the embedded example, and small archives made here.
#include "scratch.h"

#include "data/dataset/samples.h"

#define GLYPHS "examples/glyph100"
#define MODEL  "examples/vit-glyph100"

static const sample_spec glyph_model = {.model_path = MODEL,
                                        .channels = 3,
                                        .image_height = 32,
                                        .image_width = 32,
                                        .rows_per_image = 17,
                                        .classes = 100};

static dataset_options glyphs(void)
{
    return (dataset_options){
        .format = "cifar100", .path = GLYPHS, .subsets = "coarse", .collect = 0.5};
}

static void test_example_shape(void **state)
{
    (void)state;
    dataset *d = open_data(glyphs());
    int height, width, channels;
    assert_int_equal(dataset_subsets(d), 20);
    for (int s = 0; s < 20; s++)
        assert_int_equal(dataset_count(d, s), 200);
    assert_string_equal(dataset_subset(d, 0), "latin");
    assert_string_equal(dataset_subset(d, 19), "shapes");
    assert_int_equal(dataset_labels(d), 100);
    assert_string_equal(dataset_label_name(d, 99), "black_diamond");
    dataset_image_shape(d, &height, &width, &channels);
    assert_int_equal(height, 32);
    assert_int_equal(width, 32);
    assert_int_equal(channels, 3);
    assert_string_equal(dataset_get_options(d)->split, "test");
    dataset_close(d);
}

// The first record holds 0x5a in its first red pixels (seen with zcat and xxd); (x / 255 - 0.5) /
// 0.5.
static void test_example_pixels(void **state)
{
    (void)state;
    static float pixels[3 * 32 * 32];
    int32_t label = -1;
    samples *s;
    dataset *d = open_data(glyphs());
    assert_int_equal(samples_open(d, &glyph_model, &s), OK);
    assert_int_equal(samples_image(s, 0, PART_COLLECT, 0, pixels, &label), OK);
    assert_int_equal(label, 0);
    for (int i = 0; i < 10; i++)
        assert_float_equal(pixels[i], ((float)(0x5a / 255.0) - 0.5f) / 0.5f, 0);
    assert_int_equal(samples_rows(s, 0, PART_COLLECT, 0), 17);
    samples_close(s);
    dataset_close(d);
}

// Every image of both parts against the file's own bytes, read here a second way.
static void test_example_against_file(void **state)
{
    (void)state;
    static unsigned char records[4000][3074];
    static float pixels[3072];
    int next[20][200], count[20] = {0}, wrong = 0;
    gzFile f = gzopen(GLYPHS "/test.bin.gz", "rb");
    assert_int_equal(gzread(f, records, sizeof records), sizeof records);
    gzclose(f);
    for (int i = 0; i < 4000; i++)
        next[records[i][0]][count[records[i][0]]++] = i;
    samples *s;
    dataset *d = open_data(glyphs());
    assert_int_equal(samples_open(d, &glyph_model, &s), OK);
    for (int c = 0; c < 20; c++)
        for (int i = 0; i < 200; i++) {
            part p = i < 100 ? PART_COLLECT : PART_EVALUATE;
            const unsigned char *r = records[next[c][i]];
            int32_t label;
            assert_int_equal(samples_image(s, c, p, i % 100, pixels, &label), OK);
            assert_int_equal(label, r[1]);
            for (int k = 0; k < 3072; k++)
                wrong += pixels[k] != ((float)(r[2 + k] / 255.0) - 0.5f) / 0.5f;
        }
    assert_int_equal(wrong, 0);
    samples_close(s);
    dataset_close(d);
}

static void check_parts(double collect, int64_t limit, int64_t collected, int64_t evaluated)
{
    samples *s;
    dataset_options o = glyphs();
    o.collect = collect;
    o.limit = limit;
    dataset *d = open_data(o);
    assert_int_equal(samples_open(d, &glyph_model, &s), OK);
    assert_int_equal(samples_count(s, 3, PART_COLLECT), collected);
    assert_int_equal(samples_count(s, 3, PART_EVALUATE), evaluated);
    samples_close(s);
    dataset_close(d);
}

static void test_parts(void **state)
{
    (void)state;
    check_parts(0.5, 0, 100, 100);
    check_parts(0.5, 7, 3, 4);
    check_parts(0.29, 100, 29, 71); // 0.29 × 100 is just below 29
    check_parts(-1, 7, 7, 7);
    check_parts(1, 0, 200, 0);
    check_parts(0, 500, 0, 200);
}

static void test_keep_filters_and_never_reorders(void **state)
{
    (void)state;
    const char *keep[] = {"greek", "latin"};
    dataset_options o = glyphs();
    o.keep = keep;
    o.n_keep = 2;
    dataset *d = open_data(o);
    assert_int_equal(dataset_subsets(d), 2);
    assert_string_equal(dataset_subset(d, 0), "latin");
    assert_string_equal(dataset_subset(d, 1), "greek");
    assert_int_equal(dataset_label(d, 1, 0) / 5, 3); // greek capitals are labels 15 to 19
    dataset_close(d);
    keep[0] = "greeks";
    expect_open_failure(o, ERR_USAGE, "greeks", "did you mean greek");
}

static void test_words(void **state)
{
    (void)state;
    dataset_options o = glyphs();
    o.format = "cifar10o";
    expect_open_failure(o, ERR_USAGE, "cifar10o", "did you mean cifar10");
    o = glyphs();
    o.subsets = "coars";
    expect_open_failure(o, ERR_USAGE, "coars", "did you mean coarse");
    o = glyphs();
    o.split = "tests";
    expect_open_failure(o, ERR_USAGE, "tests", "did you mean test");
    o.split = "train";
    expect_open_failure(o, ERR_INPUT, GLYPHS, "train.bin");
}

// A CIFAR-10 archive of five training files, one of them gzipped, without names.
static void test_cifar10_folder(void **state)
{
    (void)state;
    char *folder = scratch_new(), name[32];
    static unsigned char r[2][3073];
    for (int b = 1; b <= 5; b++) {
        for (int i = 0; i < 2; i++) {
            memset(r[i], 16 * b + i, sizeof r[i]);
            r[i][0] = (unsigned char)(b == 5 ? 9 : 2 * i);
        }
        snprintf(name, sizeof name, "data_batch_%d.bin%s", b, b == 3 ? ".gz" : "");
        (b == 3 ? scratch_write_gz : scratch_write)(folder, name, r, sizeof r);
    }
    dataset *d =
        open_data((dataset_options){.format = "cifar10", .path = folder, .split = "train"});
    image i = {0};
    assert_int_equal(dataset_subsets(d), 3); // 0, 2 and 9 occur
    assert_string_equal(dataset_subset(d, 1), "2");
    assert_string_equal(dataset_subset(d, 2), "9");
    assert_int_equal(dataset_count(d, 0), 4);
    assert_int_equal(dataset_count(d, 2), 2);
    assert_int_equal(dataset_image(d, 1, 2, &i), OK); // label 2: the second record of each file
    assert_int_equal(i.pixels[0], 16 * 3 + 1);
    assert_int_equal(dataset_image(d, 2, 1, &i), OK);
    assert_int_equal(i.pixels[3071], 16 * 5 + 1);
    image_free(&i);
    dataset_close(d);
    scratch_free(folder);
}

static void test_interleaving(void **state)
{
    (void)state;
    char *folder = scratch_new();
    static unsigned char r[3074];
    for (int k = 0; k < 3072; k++)
        r[2 + k] = (unsigned char)(k * 7 + k / 1024);
    r[0] = 3;
    r[1] = 42;
    scratch_write(folder, "one.bin", r, sizeof r);
    char *path = file_join(folder, "one.bin");
    dataset *d = open_data((dataset_options){.format = "cifar100", .path = path});
    image i = {0};
    assert_string_equal(dataset_subset(d, 0), "42");
    assert_int_equal(dataset_image(d, 0, 0, &i), OK);
    for (int c = 0; c < 3; c++)
        for (int p = 0; p < 1024; p++)
            assert_int_equal(i.pixels[3 * p + c], r[2 + 1024 * c + p]);
    image_free(&i);
    dataset_close(d);
    free(path);
    scratch_free(folder);
}

static status count_file(void *context, const char *path)
{
    text_addf(context, "%s\n", path);
    return OK;
}

static void test_files(void **state)
{
    (void)state;
    text seen = {0};
    dataset_options o = glyphs();
    assert_int_equal(dataset_files(&o, count_file, &seen), OK);
    assert_string_equal(text_get(&seen),
                        GLYPHS "/test.bin.gz\n" GLYPHS "/fine_label_names.txt\n" GLYPHS
                               "/coarse_label_names.txt\n");
    text_free(&seen);
}

static void test_model_that_does_not_fit(void **state)
{
    (void)state;
    samples *s = NULL;
    dataset *d = open_data(glyphs());
    sample_spec spec = glyph_model;
    spec.classes = 99;
    expect_failure(samples_open(d, &spec, &s), ERR_INPUT, GLYPHS, "99 classes");
    spec = glyph_model;
    spec.image_width = 48;
    expect_failure(samples_open(d, &spec, &s), ERR_INPUT, GLYPHS, "48×32");
    spec = glyph_model;
    spec.text = true;
    expect_failure(samples_open(d, &spec, &s), ERR_INPUT, GLYPHS, "holds images");
    spec = glyph_model;
    spec.channels = 1;
    expect_failure(samples_open(d, &spec, &s), ERR_INPUT, "preprocessor_config.json", "image_mean");
    dataset_close(d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_example_shape),
        cmocka_unit_test(test_example_pixels),
        cmocka_unit_test(test_example_against_file),
        cmocka_unit_test(test_parts),
        cmocka_unit_test(test_keep_filters_and_never_reorders),
        cmocka_unit_test(test_words),
        cmocka_unit_test(test_cifar10_folder),
        cmocka_unit_test(test_interleaving),
        cmocka_unit_test(test_files),
        cmocka_unit_test(test_model_that_does_not_fit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
