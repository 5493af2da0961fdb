// SPDX-License-Identifier: Apache-2.0
// JPEG and PNG against Pillow's convert("RGB"), and folders of them.
#include "recipe.h"

#include <sys/stat.h>
#include <unistd.h>

#include "data/dataset/samples.h"
#include "data/image/decode.h"
#include "pipeline/base/pool.h"

// The largest difference of a file's pixels from Pillow's.
static int worst_difference(const char *name, int height, int width, int fault)
{
    char *path = text_format(REFERENCE "%s", name),
         *wanted_path = text_format(REFERENCE "%s.rgb", name);
    char *bytes, *wanted;
    size_t n, wanted_n;
    int worst = 0;
    image out = {0};
    assert_int_equal(file_read(path, 1 << 20, &bytes, &n), OK);
    assert_int_equal(file_read(wanted_path, 1 << 20, &wanted, &wanted_n), OK);
    if (decode((const uint8_t *)bytes, n, path, &out) != OK)
        fail_msg("%s", status_text());
    assert_int_equal(image_convert(&out, 3), OK);
    assert_int_equal(out.height, height);
    assert_int_equal(out.width, width);
    assert_int_equal(wanted_n, height * width * 3);
    out.pixels[wanted_n / 2] = (uint8_t)(out.pixels[wanted_n / 2] ^ fault);
    for (size_t i = 0; i < wanted_n; i++) {
        int d = abs(out.pixels[i] - (uint8_t)wanted[i]);
        worst = d > worst ? d : worst;
    }
    image_free(&out);
    free(bytes);
    free(wanted);
    free(path);
    free(wanted_path);
    return worst;
}

// PNG is exact. Pillow brings its own libjpeg-turbo, whose rounding may differ by one from
// Debian's.
static void test_against_pillow(void **state)
{
    (void)state;
    FILE *list = reference_list("decode.txt");
    char name[64];
    int height, width, files = 0;
    for (; reference_image(list, name, &height, &width); files++) {
        int allowed = strstr(name, ".jpg") ? 1 : 0,
            worst = worst_difference(name, height, width, 0);
        if (worst > allowed)
            fail_msg("%s differs from Pillow by %d", name, worst);
        if (worst > 0)
            print_message("%s differs from Pillow by %d\n", name, worst);
        assert_true(worst_difference(name, height, width, 0x40) > allowed); // the twin
    }
    fclose(list);
    assert_int_equal(files, REFERENCE_IMAGES);
}

static void test_convert(void **state)
{
    (void)state;
    image i = {0};
    assert_int_equal(image_shape(&i, 1, 3, 3), OK);
    memcpy(i.pixels, (uint8_t[]){255, 0, 0, 9, 9, 9, 10, 200, 30}, 9);
    assert_int_equal(image_convert(&i, 1), OK); // Pillow: 76, 9, 124
    assert_int_equal(i.pixels[0], 76);
    assert_int_equal(i.pixels[1], 9);
    assert_int_equal(i.pixels[2], 124);
    assert_int_equal(image_convert(&i, 3), OK);
    assert_memory_equal(i.pixels, ((uint8_t[]){76, 76, 76, 9, 9, 9, 124, 124, 124}), 9);
    image_free(&i);
}

// Three classes; names lie about formats, a folder has a folder, other files lie about.
static char *make_folder(void)
{
    char *f = scratch_new();
    scratch_copy(REFERENCE "rgb.png", f, "zebra/b.jpeg"); // a PNG, whatever its name
    scratch_copy(REFERENCE "sampling2.jpg", f, "zebra/a.png");
    scratch_copy(REFERENCE "grey.jpg", f, "ant/x/deep");
    scratch_copy(REFERENCE "large.jpg", f, "ant/10.jpg");
    scratch_copy(REFERENCE "palette.png", f, "mole/1.png");
    scratch_write(f, "mole/notes.txt", "notes", 5);
    scratch_write(f, "README", "readme", 6);
    scratch_write(f, ".cache/x.png", "", 0);
    return f;
}

static void test_folder(void **state)
{
    (void)state;
    char *f = make_folder();
    dataset *d = open_data((dataset_options){.format = "images", .path = f});
    image i = {0};
    int height, width, channels;
    assert_int_equal(dataset_subsets(d), 3);
    assert_string_equal(dataset_subset(d, 0), "ant");
    assert_string_equal(dataset_subset(d, 1), "mole");
    assert_string_equal(dataset_subset(d, 2), "zebra");
    assert_int_equal(dataset_count(d, 0), 2);
    assert_int_equal(dataset_count(d, 1), 1);
    assert_int_equal(dataset_count(d, 2), 2);
    assert_int_equal(dataset_label(d, 2, 0), 2);
    assert_true(dataset_labels_by_name(d));
    assert_int_equal(dataset_ignored(d), 3);
    dataset_image_shape(d, &height, &width, &channels);
    assert_int_equal(height, 0);
    assert_int_equal(dataset_image(d, 0, 0, &i), OK); // 10.jpg before x/
    assert_int_equal(i.width, 131);
    assert_int_equal(dataset_image(d, 0, 1, &i), OK);
    assert_int_equal(i.width, 23);
    assert_int_equal(i.channels, 1);
    image_free(&i);
    dataset_close(d);
    scratch_free(f);
}

static void test_split_folder(void **state)
{
    (void)state;
    char *f = scratch_new();
    scratch_copy(REFERENCE "rgb.png", f, "val/a/1.png");
    scratch_copy(REFERENCE "rgb.png", f, "train/b/1.png");
    dataset *d = open_data((dataset_options){.format = "images", .path = f, .split = "val"});
    assert_int_equal(dataset_subsets(d), 1);
    assert_string_equal(dataset_subset(d, 0), "a");
    dataset_close(d);
    expect_open_failure((dataset_options){.format = "images", .path = f, .split = "test"},
                        ERR_INPUT, "test", "not a folder");
    scratch_free(f);
}

#define PROCESSOR "{\"size\": 16}"

static sample_spec model_in(const char *folder, int classes)
{
    return (sample_spec){.model_path = folder,
                         .channels = 3,
                         .image_height = 16,
                         .image_width = 16,
                         .rows_per_image = 5,
                         .classes = classes};
}

// The labels of the first image of each subset for a model with this config.json.
static void check_labels_of(const char *config, bool by_position, int32_t a, int32_t b, int32_t c)
{
    static float pixels[3 * 16 * 16];
    char *f = make_folder(), *m = scratch_new();
    int32_t wanted[] = {a, b, c};
    scratch_write(m, "config.json", config, strlen(config));
    scratch_write(m, "preprocessor_config.json", PROCESSOR, strlen(PROCESSOR));
    dataset *d = open_data((dataset_options){
        .format = "images", .path = f, .collect = -1, .labels_by_position = by_position});
    samples *s;
    sample_spec spec = model_in(m, 10);
    if (samples_open(d, &spec, &s) != OK)
        fail_msg("%s", status_text());
    for (int i = 0; i < 3; i++) {
        int32_t label = -5;
        assert_int_equal(samples_image(s, i, PART_EVALUATE, 0, pixels, &label), OK);
        assert_int_equal(label, wanted[i]);
    }
    samples_close(s);
    dataset_close(d);
    scratch_free(f);
    scratch_free(m);
}

static void check_labels(const char *config, int32_t a, int32_t b, int32_t c)
{
    check_labels_of(config, false, a, b, c);
}

static void test_labels(void **state)
{
    (void)state;
    check_labels("{}", 0, 1, 2);
    check_labels("{\"label_names\": [\"mole\", \"x\", \"zebra\", \"ant\"]}", 3, 0, 2); // timm's
    check_labels("{\"id2label\": {\"0\": \"LABEL_0\", \"1\": \"LABEL_1\"}}", 0, 1, 2);
    check_labels(
        "{\"id2label\": {\"4\": \"ant\", \"1\": \"zebra\", \"9\": \"mole\", \"2\": \"cat\"}}", 4, 9,
        1);
    check_labels("{\"id2label\": {\"0\": \"0\", \"1\": \"1\", \"2\": \"2\"}}", 0, 1, 2);
    check_labels_of("{\"id2label\": {\"0\": \"tench\", \"1\": \"shark\"}}", true, 0, 1, 2);
}

static void refused_labels(const char *config, int classes, const char *what)
{
    char *f = make_folder(), *m = scratch_new();
    samples *s = NULL;
    scratch_write(m, "config.json", config, strlen(config));
    scratch_write(m, "preprocessor_config.json", PROCESSOR, strlen(PROCESSOR));
    dataset *d = open_data((dataset_options){.format = "images", .path = f});
    sample_spec spec = model_in(m, classes);
    expect_failure(samples_open(d, &spec, &s), ERR_INPUT, NULL, what);
    dataset_close(d);
    scratch_free(f);
    scratch_free(m);
}

static void test_refused_labels(void **state)
{
    (void)state;
    refused_labels("{}", 2, "zebra");
    refused_labels("{\"id2label\": {\"0\": \"ant\", \"1\": \"mole\"}}", 10, "zebra");
    refused_labels(
        "{\"id2label\": {\"0\": \"ant\", \"1\": \"mole\", \"2\": \"zebra\", \"3\": \"ant\"}}", 10,
        "twice");
    refused_labels("{\"id2label\": {\"0\": \"ant\", \"1\": \"mole\", \"77\": \"zebra\"}}", 10,
                   "10 classes");
    refused_labels(
        "{\"id2label\": {\"0\": \"tench\", \"1\": \"shark\", \"2\": \"ray\", \"3\": \"hen\"}}", 10,
        "there are ant, mole, zebra here, and tench, shark, ray … in ");
    refused_labels("{", 10, "line");
}

// A model of another size is refused when the samples are opened, not at the first image.
static void test_size(void **state)
{
    (void)state;
    char *f = make_folder();
    samples *s = NULL;
    scratch_write(f, ".model/preprocessor_config.json", PROCESSOR, strlen(PROCESSOR));
    char *m = file_join(f, ".model");
    dataset *d = open_data((dataset_options){.format = "images", .path = f});
    sample_spec spec = model_in(m, 10);
    spec.image_height = 24;
    expect_failure(samples_open(d, &spec, &s), ERR_INPUT, f, "16×24");
    dataset_close(d);
    free(m);
    scratch_free(f);
}

typedef struct race {
    const samples *s;
    uint32_t crc[5];
    int wrong[8];
} race;

static status read_one(void *context, int64_t item, int thread)
{
    race *r = context;
    float pixels[3 * 16 * 16];
    int32_t label;
    int64_t k = item % 5;
    status st = samples_image(r->s, (int)k / 2, PART_COLLECT, k == 4 ? 0 : k % 2, pixels, &label);
    if (st == OK && crc_of(pixels, sizeof pixels) != r->crc[k])
        r->wrong[thread]++;
    return st;
}

// Many threads decode at once and all see what one thread saw.
static void test_threads(void **state)
{
    (void)state;
    char *f = scratch_new(), *m = scratch_new();
    const char *files[] = {"sampling0.jpg", "progressive.jpg", "interlaced.png", "cmyk.jpg",
                           "palette.png"};
    char name[32];
    race r = {0};
    for (int k = 0; k < 5; k++) {
        char *path = text_format(REFERENCE "%s", files[k]);
        snprintf(name, sizeof name, "%d/%d", k / 2, k % 2);
        scratch_copy(path, f, name);
        free(path);
    }
    scratch_write(m, "config.json", "{}", 2);
    scratch_write(m, "preprocessor_config.json", PROCESSOR, strlen(PROCESSOR));
    dataset *d = open_data((dataset_options){.format = "images", .path = f, .collect = -1});
    samples *s;
    pool *p;
    sample_spec spec = model_in(m, 3);
    assert_int_equal(samples_open(d, &spec, &s), OK);
    r.s = s;
    for (int k = 0; k < 5; k++) {
        float pixels[3 * 16 * 16];
        int32_t label;
        assert_int_equal(samples_image(s, k / 2, PART_COLLECT, k == 4 ? 0 : k % 2, pixels, &label),
                         OK);
        r.crc[k] = crc_of(pixels, sizeof pixels);
    }
    assert_int_not_equal(r.crc[0], r.crc[3]);
    assert_int_equal(pool_new(8, &p), OK);
    assert_int_equal(pool_run(p, 2000, read_one, &r), OK);
    for (int t = 0; t < 8; t++)
        assert_int_equal(r.wrong[t], 0);
    pool_free(p);
    samples_close(s);
    dataset_close(d);
    scratch_free(f);
    scratch_free(m);
}

static void test_inspect(void **state)
{
    (void)state;
    char *f = make_folder();
    bool known = false;
    assert_int_equal(dataset_inspect(f, &known), OK);
    assert_true(known);
    assert_int_equal(dataset_inspect("examples/glyph100", &known), OK);
    assert_true(known);
    assert_int_equal(dataset_inspect("examples/vit-glyph100", &known), OK);
    assert_false(known);
    assert_int_equal(dataset_inspect("/nowhere", &known), OK);
    assert_false(known);
    scratch_free(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_against_pillow), cmocka_unit_test(test_convert),
        cmocka_unit_test(test_folder),         cmocka_unit_test(test_split_folder),
        cmocka_unit_test(test_labels),         cmocka_unit_test(test_refused_labels),
        cmocka_unit_test(test_size),           cmocka_unit_test(test_threads),
        cmocka_unit_test(test_inspect),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
