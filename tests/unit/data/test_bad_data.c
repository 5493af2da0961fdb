// SPDX-License-Identifier: Apache-2.0
// Malformed data: each gives ERR_INPUT with the file's name, and neither crashes nor takes much
// memory.
#include "recipe.h"

#include <errno.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "data/decode.h"

#define R100 3074

static dataset_options options(const char *format, const char *path)
{
    return (dataset_options){.format = format, .path = path};
}

// One file of these bytes, opened as a format, is refused.
static void refused_file(const char *format, const void *bytes, size_t n, const char *what)
{
    char *f = scratch_new(), *path = file_join(f, "bad.bin");
    scratch_write(f, "bad.bin", bytes, n);
    expect_open_failure(options(format, path), ERR_INPUT, "bad.bin", what);
    free(path);
    scratch_free(f);
}

static void test_cifar_sizes(void **state)
{
    (void)state;
    static uint8_t r[2 * R100];
    refused_file("cifar100", r, 0, "0 bytes");
    refused_file("cifar100", r, 1, "records");
    refused_file("cifar100", r, R100 - 1, "records");
    refused_file("cifar100", r, R100 + 1, "records");
    refused_file("cifar100", r, 2 * R100 - 700, "records");
    refused_file("cifar10", r, R100, "records");
    expect_open_failure(options("cifar100", "/nowhere/test.bin"), ERR_INPUT, "/nowhere/test.bin",
                        NULL);
    expect_open_failure(options("cifar100", "/tmp"), ERR_INPUT, "/tmp", "test.bin");
}

static void test_cifar_labels(void **state)
{
    (void)state;
    static uint8_t r[2 * R100];
    r[R100 + 1] = 100;
    refused_file("cifar100", r, sizeof r, "record 1 has label 100");
    r[R100 + 1] = 99;
    r[0] = 20;
    char *f = scratch_new(), *path = file_join(f, "x");
    dataset_options o = options("cifar100", path);
    scratch_write(f, "x", r, sizeof r);
    o.subsets = "coarse";
    expect_open_failure(o, ERR_INPUT, "x", "record 0 has label 20");
    o.subsets = "fine"; // coarse labels are not looked at
    dataset_close(open_data(o));
    free(path);
    scratch_free(f);
    static uint8_t ten[3073] = {10};
    refused_file("cifar10", ten, sizeof ten, "label 10");
}

static void refused_names(const char *lines, size_t n, const char *what)
{
    char *f = scratch_new();
    static uint8_t r[R100];
    dataset_options o = options("cifar100", f);
    scratch_write(f, "test.bin", r, sizeof r);
    scratch_write(f, "coarse_label_names.txt", lines, n);
    o.subsets = "coarse";
    expect_open_failure(o, ERR_INPUT, "coarse_label_names.txt", what);
    scratch_free(f);
}

static void test_names(void **state)
{
    (void)state;
    char many[2000] = "";
    refused_names("", 0, "fewer");
    refused_names("a\nb\nc\n", 6, "fewer");
    refused_names("a\n\nc\n", 5, "line 2");
    refused_names("a\nb\na\n", 6, "line 3 repeats");
    refused_names("a\nb\xff\n", 5, "line 2 is not UTF-8");
    refused_names("a\nb\0c\n", 6, "line 2 is not UTF-8");
    refused_names("a\nb\xed\xa0\x80\n", 7, "line 2 is not UTF-8"); // half a surrogate pair
    for (int i = 0; i < 21; i++)
        snprintf(many + strlen(many), sizeof many - strlen(many), "name %d\r\n", i);
    refused_names(many, strlen(many), "more");
}

// A good file of 40 records, gzipped; the bytes it takes.
static size_t packed(uint8_t *out, size_t room)
{
    static uint8_t r[40 * R100];
    z_stream z = {.next_in = r, .avail_in = sizeof r, .next_out = out, .avail_out = (uInt)room};
    for (size_t i = 0; i < sizeof r; i++)
        r[i] = (uint8_t)(i % R100 < 2 ? 1 : i * i >> 9);
    assert_int_equal(deflateInit2(&z, 9, Z_DEFLATED, 31, 8, Z_DEFAULT_STRATEGY), Z_OK);
    assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
    size_t n = z.total_out;
    deflateEnd(&z);
    return n;
}

static void test_gzip(void **state)
{
    (void)state;
    static uint8_t gz[1 << 18];
    size_t n = packed(gz, sizeof gz - 100);
    char *f = scratch_new(), *path = file_join(f, "ok");
    scratch_write(f, "ok", gz, n);
    dataset *d = open_data(options("cifar100", path));
    assert_int_equal(dataset_count(d, 0), 40);
    dataset_close(d);
    free(path);
    scratch_free(f);
    for (size_t cut = 2; cut < n; cut += n / 40)
        refused_file("cifar100", gz, cut, "cut short");
    refused_file("cifar100", gz, n - 1, "cut short");
    gz[n - 6] ^= 1; // the checksum
    refused_file("cifar100", gz, n, "not valid gzip");
    gz[n - 6] ^= 1;
    memset(gz + n, 'x', 100);
    refused_file("cifar100", gz, n + 100, "not valid gzip");
    gz[n / 2] ^= 0x55;
    refused_file("cifar100", gz, n, NULL);
}

// The largest memory this process has had, in bytes.
static size_t peak(void)
{
    struct rusage u;
    getrusage(RUSAGE_SELF, &u);
    return (size_t)u.ru_maxrss * 1024;
}

// A gigabyte of zeros in a megabyte: valid records of class 0, but not data.
static void test_gzip_bomb(void **state)
{
    (void)state;
    static uint8_t zeros[1 << 20];
    char *f = scratch_new(), *path = file_join(f, "bomb.gz");
    gzFile g = gzopen(path, "wb9");
    for (int i = 0; i < 1024; i++)
        assert_int_equal(gzwrite(g, zeros, sizeof zeros), sizeof zeros);
    gzclose(g);
    size_t before = peak();
    expect_open_failure(options("cifar100", path), ERR_INPUT, "bomb.gz", "100 times");
    assert_true(peak() - before < (size_t)300 << 20);
    free(path);
    scratch_free(f);
}

static void refused_idx(const uint8_t *images, size_t n, const uint8_t *labels, size_t n_labels,
                        const char *where, const char *what)
{
    char *f = scratch_new();
    scratch_write(f, "t10k-images-idx3-ubyte", images, n);
    scratch_write(f, "t10k-labels-idx1-ubyte", labels, n_labels);
    expect_open_failure(options("idx", f), ERR_INPUT, where, what);
    scratch_free(f);
}

static void test_idx(void **state)
{
    (void)state;
    uint8_t good[16 + 8] = {0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 2, 0, 0, 0, 2}, bad[sizeof good];
    uint8_t labels[10] = {0, 0, 8, 1, 0, 0, 0, 2, 5, 6}, bad_labels[10];
    char *f = scratch_new();
    scratch_write(f, "t10k-images-idx3-ubyte", good, sizeof good);
    expect_open_failure(options("idx", f), ERR_INPUT, f, "labels");
    scratch_write(f, "t10k-labels-idx1-ubyte", labels, sizeof labels);
    dataset_close(open_data(options("idx", f)));
    scratch_free(f);
    expect_open_failure(options("idx", "/tmp/images-idx3-none"), ERR_INPUT, "none", NULL);
    for (size_t n = 0; n < sizeof good; n++)
        refused_idx(good, n, labels, 10, "images", n < 16 ? "header" : "announces");
    for (size_t n = 0; n < 10; n++)
        refused_idx(good, sizeof good, labels, n, "labels", n < 8 ? "header" : "announces");
    static const struct {
        size_t at;
        uint8_t value;
        const char *what;
    } faults[] = {{0, 1, "begins with"}, {2, 9, "begins with"},  {3, 4, "begins with"},
                  {3, 1, "begins with"}, {7, 0, "dimension 0"},  {7, 3, "announces"},
                  {11, 0, "dimension"},  {8, 0xff, "announces"}, {4, 0x80, "announces"}};
    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++) {
        memcpy(bad, good, sizeof good);
        bad[faults[i].at] = faults[i].value;
        refused_idx(bad, sizeof bad, labels, 10, "images", faults[i].what);
    }
    memcpy(bad, good, sizeof good);
    memset(bad + 4, 0xff, 12); // 2^96 bytes
    refused_idx(bad, sizeof bad, labels, 10, "images", "dimension 2");
    memcpy(bad, (uint8_t[]){0, 0, 8, 3, 0x80, 0, 0, 0, 0x80, 0, 0, 0, 0, 0, 0, 4},
           16); // wraps to 0
    refused_idx(bad, sizeof bad, labels, 10, "images", "dimension 2");
    memcpy(bad_labels, labels, 10);
    bad_labels[7] = 1;
    refused_idx(good, sizeof good, bad_labels, 9, "labels", "1 labels for 2 images");
}

static void test_folders(void **state)
{
    (void)state;
    char *f = scratch_new(), *inside = text_format("%s/cat", f),
         *link = text_format("%s/cat/up", f);
    expect_open_failure(options("images", f), ERR_INPUT, f, "no folder of images");
    expect_open_failure(options("images", "/nowhere"), ERR_INPUT, "/nowhere", "not a folder");
    scratch_copy(REFERENCE "rgb.png", f, "flat.png");
    expect_open_failure(options("images", f), ERR_INPUT, f, "no folder of images");
    assert_int_equal(mkdir(inside, 0777), 0);
    expect_open_failure(options("images", f), ERR_INPUT, "cat", "no JPEG or PNG");
    scratch_write(f, "cat/notes", "x", 1);
    expect_open_failure(options("images", f), ERR_INPUT, "cat", "no JPEG or PNG");
    scratch_copy(REFERENCE "rgb.png", f, "cat/1.png");
    dataset_close(open_data(options("images", f)));
    assert_int_equal(symlink("..", link), 0);
    expect_open_failure(options("images", f), ERR_INPUT, "cat/up", "leads back");
    assert_int_equal(unlink(link), 0);
    assert_int_equal(symlink("up", link), 0); // a link to itself
    expect_open_failure(options("images", f), ERR_INPUT, "cat/up", NULL);
    assert_int_equal(unlink(link), 0);
    assert_int_equal(symlink("nothing", link), 0);
    expect_open_failure(options("images", f), ERR_INPUT, "cat/up", "link to nothing");
    assert_int_equal(unlink(link), 0);
    assert_int_equal(mkfifo(link, 0666), 0); // must not hang
    dataset_close(open_data(options("images", f)));
    scratch_write(f, "cat/2.JPG", "", 0);
    expect_open_failure(options("images", f), ERR_INPUT, "cat/2.JPG", "neither JPEG nor PNG");
    scratch_write(f, "cat/2.JPG", "GIF89a..........", 16);
    expect_open_failure(options("images", f), ERR_INPUT, "cat/2.JPG", "neither JPEG nor PNG");
    free(link);
    free(inside);
    scratch_free(f);
    f = scratch_new();
    scratch_copy(REFERENCE "rgb.png", f, "\xff\xfe/1.png");
    expect_open_failure(options("images", f), ERR_INPUT, f, "UTF-8");
    scratch_free(f);
}

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
    while (fscanf(list, "%63s %d %d", name, &height, &width) == 3) {
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
    while (fscanf(list, "%63s %d %d", name, &height, &width) == 3) {
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
    size_t before = peak();
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
    assert_true(peak() - before < (size_t)64 << 20);
}

// A broken image among good ones is found when it is read, by its own name.
static void test_broken_image_in_a_folder(void **state)
{
    (void)state;
    char *f = scratch_new(), *bytes;
    size_t n;
    image out = {0};
    assert_int_equal(file_read(REFERENCE "sampling0.jpg", 1 << 20, &bytes, &n), OK);
    scratch_write(f, "a/1.jpg", bytes, n);
    scratch_write(f, "a/2.jpg", bytes, n - 200);
    dataset *d = open_data(options("images", f));
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
        cmocka_unit_test(test_cifar_sizes),
        cmocka_unit_test(test_cifar_labels),
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_gzip),
        cmocka_unit_test(test_gzip_bomb),
        cmocka_unit_test(test_idx),
        cmocka_unit_test(test_folders),
        cmocka_unit_test(test_truncated_images),
        cmocka_unit_test(test_flipped_images),
        cmocka_unit_test(test_huge_images),
        cmocka_unit_test(test_broken_image_in_a_folder),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
