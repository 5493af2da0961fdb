// SPDX-License-Identifier: Apache-2.0
// IDX, MNIST's format: a small dataset in each of its spellings.
#include "recipe.h"

#include "data/dataset/samples.h"

#define N 6

// images [N, 5, 7], where pixel k of image i is 40 i + k; labels 3 1 4 1 5 9.
static const uint8_t labels[8 + N] = {0, 0, 8, 1, 0, 0, 0, N, 3, 1, 4, 1, 5, 9};

static void make_images(uint8_t out[16 + N * 35])
{
    memcpy(out, (uint8_t[]){0, 0, 8, 3, 0, 0, 0, N, 0, 0, 0, 5, 0, 0, 0, 7}, 16);
    for (int i = 0; i < N; i++)
        for (int k = 0; k < 35; k++)
            out[16 + 35 * i + k] = (uint8_t)(40 * i + k);
}

static void check(const char *path, const char *split)
{
    image i = {0};
    int height, width, channels;
    dataset *d = open_data((dataset_options){.format = "idx", .path = path, .split = split});
    assert_int_equal(dataset_subsets(d), 5);
    assert_string_equal(dataset_subset(d, 0), "1");
    assert_string_equal(dataset_subset(d, 4), "9");
    assert_int_equal(dataset_count(d, 0), 2);
    dataset_image_shape(d, &height, &width, &channels);
    assert_int_equal(height, 5);
    assert_int_equal(width, 7);
    assert_int_equal(channels, 1);
    assert_int_equal(dataset_image(d, 0, 1, &i),
                     OK); // the second image of label 1 is the file's fourth
    assert_int_equal(dataset_label(d, 0, 1), 1);
    for (int k = 0; k < 35; k++)
        assert_int_equal(i.pixels[k], 120 + k);
    image_free(&i);
    dataset_close(d);
}

static void test_spellings(void **state)
{
    (void)state;
    uint8_t images[16 + N * 35];
    make_images(images);
    char *f = scratch_new();
    scratch_write(f, "t10k-images-idx3-ubyte", images, sizeof images);
    scratch_write_gz(f, "t10k-labels-idx1-ubyte.gz", labels, sizeof labels);
    scratch_write_gz(f, "train-images.idx3-ubyte.gz", images, sizeof images);
    scratch_write(f, "train-labels.idx1-ubyte", labels, sizeof labels);
    scratch_write(f, "emnist-letters-images-idx3-ubyte", images, sizeof images);
    scratch_write(f, "emnist-letters-labels-idx1-ubyte", labels, sizeof labels);
    check(f, NULL);
    check(f, "train");
    const char *files[] = {"t10k-images-idx3-ubyte", "train-images.idx3-ubyte.gz",
                           "emnist-letters-images-idx3-ubyte"};
    for (int i = 0; i < 3; i++) {
        char *path = file_join(f, files[i]);
        bool known = false;
        check(path, NULL);
        assert_int_equal(dataset_inspect(path, &known), OK);
        assert_true(known);
        free(path);
    }
    scratch_free(f);
}

// Grey images for a model of three channels and for one of one.
static void test_channels(void **state)
{
    (void)state;
    uint8_t images[16 + N * 35];
    const char *config = "{\"do_resize\": false, \"image_mean\": 0, \"image_std\": 1}";
    make_images(images);
    char *f = scratch_new();
    scratch_write(f, "t10k-images-idx3-ubyte", images, sizeof images);
    scratch_write(f, "t10k-labels-idx1-ubyte", labels, sizeof labels);
    scratch_write(f, "preprocessor_config.json", config, strlen(config));
    for (int channels = 1; channels <= 3; channels += 2) {
        sample_spec spec = {.model_path = f,
                            .channels = channels,
                            .image_height = 5,
                            .image_width = 7,
                            .rows_per_image = 2,
                            .classes = 10};
        float pixels[3 * 35];
        int32_t label;
        samples *s;
        dataset *d = open_data((dataset_options){.format = "idx", .path = f, .collect = 0.5});
        assert_int_equal(samples_open(d, &spec, &s), OK);
        assert_int_equal(samples_image(s, 0, PART_EVALUATE, 0, pixels, &label), OK);
        assert_int_equal(label, 1);
        for (int k = 0; k < channels * 35; k++)
            assert_float_equal(pixels[k], (float)((120 + k % 35) * (1 / 255.0)), 0);
        samples_close(s);
        dataset_close(d);
    }
    scratch_free(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_spellings),
        cmocka_unit_test(test_channels),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
