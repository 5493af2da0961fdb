// SPDX-License-Identifier: Apache-2.0
// Malformed JPEG and PNG files: ERR_INPUT with the file's name, no crash, no large allocation.
#include "recipe.h"

#include "data/image/decode.h"

static void refused_image(const void *bytes, size_t n, const char *what)
{
    image out = {0};
    expect_failure(decode(bytes, n, "dir/name", &out), ERR_INPUT, "dir/name", what);
    image_free(&out);
}

// Every prefix of every reference file: refused, or (where all pixels are there already) decoded.
static void test_truncated_images(void **state)
{
    (void)state;
    FILE *list = reference_list("decode.txt");
    char name[64];
    int height, width;
    while (reference_image(list, name, &height, &width)) {
        char *path = text_format(REFERENCE "%s", name), *bytes;
        size_t n, read = 0;
        assert_int_equal(file_read(path, 1 << 20, &bytes, &n), OK);
        for (size_t cut = 0; cut < n; cut++) {
            image out = {0};
            uint8_t *exact = malloc(cut + 1); // so that reading beyond is seen
            memcpy(exact, bytes, cut);
            exact = realloc(exact, cut ? cut : 1);
            status st = decode(exact, cut, path, &out);
            if (st != OK)
                expect_failure(st, ERR_INPUT, name, NULL);
            read += st == OK;
            image_free(&out);
            free(exact);
        }
        if (read > 16)
            fail_msg("%s: %zu truncated copies of %zu bytes were read", name, read, n);
        free(bytes);
        free(path);
    }
    fclose(list);
}

// Single flipped bytes: any answer is right but a crash, a wrong shape or another status.
static void test_flipped_images(void **state)
{
    (void)state;
    FILE *list = reference_list("decode.txt");
    char name[64];
    int height, width;
    while (reference_image(list, name, &height, &width)) {
        char *path = text_format(REFERENCE "%s", name), *bytes;
        size_t n;
        assert_int_equal(file_read(path, 1 << 20, &bytes, &n), OK);
        for (size_t i = 0; i < n; i++) {
            image out = {0};
            char kept = bytes[i];
            bytes[i] = (char)(bytes[i] ^ (int)(i * 37 % 255 + 1));
            status st = decode((uint8_t *)bytes, n, path, &out);
            bytes[i] = kept;
            if (st != OK)
                expect_failure(st, ERR_INPUT, name, NULL);
            else
                assert_true(out.height > 0 && out.width > 0 && out.pixels);
            image_free(&out);
        }
        free(bytes);
        free(path);
    }
    fclose(list);
}

// A PNG header of this size with a valid checksum and nothing behind it.
static void refused_png_size(uint32_t width, uint32_t height, const char *what)
{
    uint8_t png[33] = {0x89, 'P', 'N', 'G', 13, 10, 26, 10, 0, 0, 0, 13, 'I', 'H', 'D', 'R'};
    for (int i = 0; i < 4; i++) {
        png[16 + i] = (uint8_t)(width >> (24 - 8 * i));
        png[20 + i] = (uint8_t)(height >> (24 - 8 * i));
    }
    png[24] = 8;
    png[25] = 2;
    uint32_t crc = crc_of(png + 12, 17);
    for (int i = 0; i < 4; i++)
        png[29 + i] = (uint8_t)(crc >> (24 - 8 * i));
    refused_image(png, sizeof png, what);
    uint8_t padded[4096] = {0}; // an IDAT's beginning, so that reading goes on to the size
    memcpy(padded, png, sizeof png);
    memcpy(padded + 33, "\0\0\x0f\0IDAT", 8);
    refused_image(padded, sizeof padded, what ? "dir/name" : NULL);
}

static void test_huge_images(void **state)
{
    (void)state;
    size_t before = peak_memory();
    refused_png_size(0, 5, NULL);
    refused_png_size(0x7fffffff, 0x7fffffff, NULL);
    refused_png_size(0xffffffff, 1, NULL);
    refused_png_size(1000000, 1000000, NULL);
    refused_png_size(60000, 60000, NULL);
    refused_png_size(16384, 16384, NULL); // within 2^28 pixels, but not in 33 bytes
    char *bytes;
    size_t n;
    assert_int_equal(file_read(REFERENCE "sampling0.jpg", 1 << 20, &bytes, &n), OK);
    uint8_t *sof = memmem(bytes, n, "\xff\xc0", 2);
    assert_non_null(sof);
    memcpy(sof + 5, "\x40\x00\x40\x00", 4); // 16384 × 16384
    refused_image(bytes, n, "more than its");
    memcpy(sof + 5, "\xff\xdc\xff\xdc", 4);
    refused_image(bytes, n, "at most");
    memcpy(sof + 5, "\x00\x00\x00\x11", 4);
    refused_image(bytes, n, NULL);
    free(bytes);
    refused_image("", 0, "neither");
    refused_image("\xff\xd8\xff", 3, "JPEG");
    refused_image("\x89PNG\r\n\x1a\n", 8, "PNG");
    assert_true(peak_memory() - before < (size_t)64 << 20);
}

// A broken image among good ones is found when it is read, by its own name; one that is cut when the
// folder is opened.
static void test_broken_image_in_a_folder(void **state)
{
    (void)state;
    char *f = scratch_new(), *bytes;
    size_t n;
    image out = {0};
    assert_int_equal(file_read(REFERENCE "sampling0.jpg", 1 << 20, &bytes, &n), OK);
    scratch_write(f, "a/1.jpg", bytes, n);
    scratch_write(f, "a/2.jpg", bytes, n - 200);
    expect_open_failure((dataset_options){.format = "images", .path = f}, ERR_INPUT, "a/2.jpg",
                        "Premature end");
    memset(bytes + 4, 0, 60);
    scratch_write(f, "a/2.jpg", bytes, n);
    dataset *d = open_data((dataset_options){.format = "images", .path = f});
    assert_int_equal(dataset_image(d, 0, 0, &out), OK);
    expect_failure(dataset_image(d, 0, 1, &out), ERR_INPUT, "a/2.jpg", "JPEG");
    assert_int_equal(dataset_image(d, 0, 0, &out), OK); // the image's memory is still good
    image_free(&out);
    dataset_close(d);
    free(bytes);
    scratch_free(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_truncated_images),
        cmocka_unit_test(test_flipped_images),
        cmocka_unit_test(test_huge_images),
        cmocka_unit_test(test_broken_image_in_a_folder),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
