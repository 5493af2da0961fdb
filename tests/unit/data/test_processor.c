// SPDX-License-Identifier: Apache-2.0
// Preprocessing against transformers' results, bit for bit, and the configurations it refuses.
#include "recipe.h"

#include "data/image/image_processor.h"

// Runs every case with `value` added to one input pixel; the number of cases that differ from
// transformers.
static int differing(const char *cases_of, int value, int *cases)
{
    FILE *list = reference_list(cases_of);
    char name[32], folder[128];
    unsigned seed, crc;
    int h, w, channels, height, width, out_height, out_width, wrong = 0;
    image in = {0};
    while (fscanf(list, "%31s %u %d %d %d %d %d %x", name, &seed, &h, &w, &channels, &height,
                  &width, &crc) == 8) {
        image_processor *p;
        snprintf(folder, sizeof folder, REFERENCE "%s", name);
        if (image_processor_open(folder, channels, &p) != OK)
            fail_msg("%s", status_text());
        image_processor_size(p, h, w, &out_height, &out_width);
        assert_int_equal(out_height, height);
        assert_int_equal(out_width, width);
        size_t n = (size_t)height * (size_t)width * (size_t)channels;
        float *pixels = malloc(n * sizeof *pixels);
        recipe_image(seed, h, w, channels, &in);
        uint8_t *middle = in.pixels + (size_t)(h / 2 * w + w / 2) * (size_t)channels;
        *middle = (uint8_t)(*middle + value);
        assert_int_equal(image_processor_run(p, &in, name, pixels), OK);
        wrong += crc_of(pixels, n * sizeof *pixels) != crc;
        if (value == 0 && wrong)
            fail_msg("%s of %d×%d differs from the reference", name, w, h);
        free(pixels);
        image_processor_close(p);
        (*cases)++;
    }
    image_free(&in);
    fclose(list);
    return wrong;
}

static void test_against_transformers(void **state)
{
    (void)state;
    int cases = 0;
    assert_int_equal(differing("processor.txt", 0, &cases), 0);
    assert_int_equal(cases, 68);
}

static void test_against_timm(void **state)
{
    (void)state;
    int cases = 0;
    assert_int_equal(differing("timm.txt", 0, &cases), 0);
    assert_int_equal(cases, 16);
}

// The twin: one input pixel that differs must be seen in every case.
static void test_a_fault_is_seen(void **state)
{
    (void)state;
    int cases = 0;
    assert_int_equal(differing("processor.txt", 100, &cases), 68);
    assert_int_equal(differing("timm.txt", 100, &cases), 16);
}

static void refused(const char *json, const char *what)
{
    char *folder = scratch_new();
    image_processor *p = NULL;
    scratch_write(folder, "preprocessor_config.json", json, strlen(json));
    expect_failure(image_processor_open(folder, 3, &p), ERR_INPUT, "preprocessor_config.json",
                   what);
    assert_null(p);
    scratch_free(folder);
}

static void test_refusals(void **state)
{
    (void)state;
    refused("", "line");
    refused("{", "line");
    refused("[1, 2]", "object");
    refused("{\"size\": 24, \"size\": 25}", "duplicate");
    refused("{\"size\": \"224\"}", "size");
    refused("{\"size\": 0}", "size");
    refused("{\"size\": -3}", "size");
    refused("{\"size\": 1e9}", "size");
    refused("{\"size\": 99999999999}", "size");
    refused("{\"size\": {\"height\": 24}}", "size");
    refused("{\"size\": {\"height\": 24, \"width\": 24, \"longest_edge\": 3}}", "size");
    refused("{\"resample\": 1}", "lanczos");
    refused("{\"resample\": 0}", "nearest");
    refused("{\"resample\": 4}", "box");
    refused("{\"resample\": 999999999999}", "resample");
    refused("{\"resample\": \"bicubic\"}", "resample");
    refused("{\"do_resize\": 1}", "do_resize");
    refused("{\"do_normalize\": \"yes\"}", "do_normalize");
    refused("{\"rescale_factor\": \"1/255\"}", "rescale_factor");
    refused("{\"rescale_factor\": [1, 2, 3]}", "rescale_factor");
    refused("{\"rescale_factor\": 1e308}", "rescale_factor");
    refused("{\"image_mean\": [0.5, 0.5]}", "image_mean");
    refused("{\"image_mean\": {}}", "image_mean");
    refused("{\"image_std\": [0.5, 0, 0.5]}", "image_std");
    refused("{\"image_std\": 0}", "image_std");
    refused("{\"do_center_crop\": true}", "crop_size");
    refused("{\"do_center_crop\": true, \"crop_size\": {\"shortest_edge\": 5}}", "crop_size");
    refused("{\"do_pad\": true}", "do_pad");
    refused("{\"crop_pct\": 0.9}", "crop_pct");
    refused("{\"image_processor_type\": \"ConvNextImageProcessor\"}", "ConvNextImageProcessor");
    refused("{\"image_processor_type\": \"CLIPImageProcessor\", \"use_square_size\": true}",
            "use_square_size");
    refused("{\"image_processor_type\": 7}", "image_processor_type");
}

// timm's, which lie in config.json.
static void timm_refused(const char *fields, const char *what)
{
    char *folder = scratch_new(), json[512];
    image_processor *p = NULL;
    snprintf(json, sizeof json,
             "{\"architecture\": \"vit_tiny_patch16_224\", \"pretrained_cfg\": {%s}}", fields);
    scratch_write(folder, "config.json", json, strlen(json));
    expect_failure(image_processor_open(folder, 3, &p), ERR_INPUT, "config.json", what);
    assert_null(p);
    scratch_free(folder);
}

static void test_timm_refusals(void **state)
{
    (void)state;
    timm_refused("\"input_size\": [3, 24]", "input_size");
    timm_refused("\"input_size\": [3, 24, 24, 1]", "input_size");
    timm_refused("\"input_size\": [3, 24, 0]", "input_size");
    timm_refused("\"input_size\": [3, 24, 1e9]", "input_size");
    timm_refused("\"input_size\": [3, 24, 26]", "squash");
    timm_refused("\"input_size\": [3, 24, 24], \"crop_mode\": \"border\"", "border");
    timm_refused("\"input_size\": [3, 24, 24], \"crop_mode\": 3", "crop_mode");
    timm_refused("\"input_size\": [3, 24, 24], \"crop_pct\": \"all\"", "crop_pct");
    timm_refused("\"input_size\": [3, 24, 24], \"crop_pct\": -1", "crop_pct");
    timm_refused("\"input_size\": [3, 24, 24], \"interpolation\": \"lanczos\"", "lanczos");
    timm_refused("\"input_size\": [3, 24, 24], \"mean\": [0.5]", "mean");
    timm_refused("\"input_size\": [3, 24, 24], \"std\": [0.5, 0.5, \"x\"]", "std");
    timm_refused("\"input_size\": [3, 24, 24], \"std\": [0.5, 0.5, 0]", "standard deviation");
    timm_refused("\"input_size\": [1, 24, 24]", "3 channels");
    timm_refused("\"interpolation\": \"bicubic\"", "missing"); // nothing says how large
}

static void test_missing(void **state)
{
    (void)state;
    image_processor *p = NULL;
    char *folder = scratch_new();
    expect_failure(image_processor_open(folder, 3, &p), ERR_INPUT, "preprocessor_config.json",
                   "missing");
    scratch_free(folder);
}

static void test_crop_larger_than_image(void **state)
{
    (void)state;
    static float pixels[3 * 64 * 64];
    const char *json =
        "{\"do_resize\": false, \"do_center_crop\": true, \"crop_size\": 33, \"do_pad\": false}";
    char *folder = scratch_new();
    image_processor *p;
    image in = {0};
    scratch_write(folder, "preprocessor_config.json", json, strlen(json));
    assert_int_equal(image_processor_open(folder, 3, &p), OK);
    recipe_image(1, 32, 40, 3, &in);
    expect_failure(image_processor_run(p, &in, "small.png", pixels), ERR_INPUT, "small.png",
                   "crop_size");
    image_free(&in);
    image_processor_close(p);
    scratch_free(folder);
}

// A strip of one row: its longer edge would be beyond any number of pixels, and beyond an int.
static void test_strip(void **state)
{
    (void)state;
    const char *json = "{\"size\": {\"shortest_edge\": 224}, \"do_center_crop\": true, "
                       "\"crop_size\": 2}";
    const int widths[] = {1 << 20, 1 << 27};
    char *folder = scratch_new();
    image_processor *p;
    scratch_write(folder, "preprocessor_config.json", json, strlen(json));
    assert_int_equal(image_processor_open(folder, 1, &p), OK);
    for (int i = 0; i < 2; i++) {
        float pixels[4];
        image in = {0};
        assert_int_equal(image_shape(&in, 1, widths[i], 1), OK);
        expect_failure(image_processor_run(p, &in, "strip.png", pixels), ERR_INPUT, "strip.png",
                       "after resizing");
        image_free(&in);
    }
    image_processor_close(p);
    scratch_free(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_against_transformers),   cmocka_unit_test(test_against_timm),
        cmocka_unit_test(test_a_fault_is_seen),        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_timm_refusals),          cmocka_unit_test(test_missing),
        cmocka_unit_test(test_crop_larger_than_image), cmocka_unit_test(test_strip),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
