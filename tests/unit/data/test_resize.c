// SPDX-License-Identifier: Apache-2.0
// Resizing against Pillow's results, bit for bit.
#include "recipe.h"

#include "data/image/resize.h"

typedef struct resize_case {
    unsigned seed, crc;
    int in_height, in_width, channels, height, width, filter;
    char full[300]; // the output in hexadecimal, or "-"
} resize_case;

static bool next_case(FILE *list, resize_case *c)
{
    int n = fscanf(list, "%u %d %d %d %d %d %d %x %299s", &c->seed, &c->in_height, &c->in_width,
                   &c->channels, &c->height, &c->width, &c->filter, &c->crc, c->full);
    return n == 9;
}

static size_t bytes_of(const image *i)
{
    return (size_t)i->height * (size_t)i->width * (size_t)i->channels;
}

static void test_against_pillow(void **state)
{
    (void)state;
    FILE *list = reference_list("resize.txt");
    resize_case c;
    image in = {0}, out = {0};
    int cases = 0, full = 0;
    for (; next_case(list, &c); cases++) {
        recipe_image(c.seed, c.in_height, c.in_width, c.channels, &in);
        assert_int_equal(resize(&in, resize_find(c.filter), c.height, c.width, &out), OK);
        assert_int_equal(out.height, c.height);
        assert_int_equal(out.width, c.width);
        assert_int_equal(out.channels, c.channels);
        for (size_t i = 0; c.full[0] != '-' && i < bytes_of(&out); i++) {
            unsigned value;
            assert_int_equal(sscanf(c.full + 2 * i, "%2x", &value), 1);
            assert_int_equal(out.pixels[i], value);
            full++;
        }
        if (crc_of(out.pixels, bytes_of(&out)) != c.crc)
            fail_msg("%d×%d×%d to %d×%d with filter %d differs from Pillow", c.in_width,
                     c.in_height, c.channels, c.width, c.height, c.filter);
    }
    fclose(list);
    image_free(&in);
    image_free(&out);
    assert_int_equal(cases, 80);
    assert_true(full > 500);
}

static void transpose(const image *in, image *out)
{
    assert_int_equal(image_shape(out, in->width, in->height, in->channels), OK);
    size_t h = (size_t)in->height, w = (size_t)in->width, n = (size_t)in->channels;
    for (size_t y = 0; y < h; y++)
        for (size_t x = 0; x < w; x++)
            memcpy(out->pixels + (x * h + y) * n, in->pixels + (y * w + x) * n, n);
}

// The twin: the same with a fault (passes in the other order, or the other filter) must differ in
// most cases, or the digests above would prove nothing.
static void test_faults_are_seen(void **state)
{
    (void)state;
    FILE *list = reference_list("resize.txt");
    resize_case c;
    image in = {0}, turned = {0}, small = {0}, out = {0};
    int order = 0, filter = 0;
    while (next_case(list, &c)) {
        recipe_image(c.seed, c.in_height, c.in_width, c.channels, &in);
        transpose(&in, &turned);
        assert_int_equal(resize(&turned, resize_find(c.filter), c.width, c.height, &small), OK);
        transpose(&small, &out);
        order += crc_of(out.pixels, bytes_of(&out)) != c.crc;
        assert_int_equal(resize(&in, resize_find(5 - c.filter), c.height, c.width, &out), OK);
        filter += crc_of(out.pixels, bytes_of(&out)) != c.crc;
    }
    fclose(list);
    image_free(&in);
    image_free(&turned);
    image_free(&small);
    image_free(&out);
    assert_true(order > 40);
    assert_true(filter > 60);
}

static void test_filters(void **state)
{
    (void)state;
    assert_string_equal(resize_find(2)->name, "bilinear");
    assert_string_equal(resize_find(3)->name, "bicubic");
    assert_null(resize_find(0));
    assert_null(resize_find(1));
    assert_null(resize_find(4));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_against_pillow),
        cmocka_unit_test(test_faults_are_seen),
        cmocka_unit_test(test_filters),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
