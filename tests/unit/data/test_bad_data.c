// SPDX-License-Identifier: Apache-2.0
// Malformed data: each gives ERR_INPUT with the file's name, and neither crashes nor takes much
// memory.
#include "recipe.h"

#include <sys/stat.h>
#include <unistd.h>

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
    char *empty = scratch_new(); // what others keep in /tmp is none of this test's business
    expect_open_failure(options("cifar100", empty), ERR_INPUT, empty, "test.bin");
    scratch_free(empty);
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

// 200 MB of zeros in 200 kB: valid records of class 0, but not data.
static void test_gzip_bomb(void **state)
{
    (void)state;
    static uint8_t zeros[1 << 20];
    char *f = scratch_new(), *path = file_join(f, "bomb.gz");
    gzFile g = gzopen(path, "wb6");
    for (int i = 0; i < 200; i++)
        assert_int_equal(gzwrite(g, zeros, sizeof zeros), sizeof zeros);
    gzclose(g);
    size_t before = peak_memory();
    expect_open_failure(options("cifar100", path), ERR_INPUT, "bomb.gz", "100 times");
    assert_true(peak_memory() - before < (size_t)300 << 20);
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
    expect_open_failure(options("images", f), ERR_INPUT, "cat", "no JPEG, PNG or WebP");
    scratch_write(f, "cat/notes", "x", 1);
    expect_open_failure(options("images", f), ERR_INPUT, "cat", "no JPEG, PNG or WebP");
    scratch_copy(REFERENCE "rgb.png", f, "cat/1.png");
    dataset_close(open_data(options("images", f)));
    assert_int_equal(symlink("..", link), 0);
    expect_open_failure(options("images", f), ERR_INPUT, "cat/up", "leads back");
    assert_int_equal(unlink(link), 0);
    assert_int_equal(symlink("up", link), 0); // a link to itself is one to nothing
    dataset_close(open_data(options("images", f)));
    assert_int_equal(unlink(link), 0);
    assert_int_equal(symlink("nothing", link), 0);
    dataset_close(open_data(options("images", f)));
    assert_int_equal(unlink(link), 0);
    assert_int_equal(mkfifo(link, 0666), 0); // must not hang
    dataset_close(open_data(options("images", f)));
    scratch_write(f, "cat/2.JPG", "", 0);
    expect_open_failure(options("images", f), ERR_INPUT, "cat/2.JPG", "neither JPEG, PNG nor WebP");
    scratch_write(f, "cat/2.JPG", "GIF89a..........", 16);
    expect_open_failure(options("images", f), ERR_INPUT, "cat/2.JPG", "neither JPEG, PNG nor WebP");
    free(link);
    free(inside);
    scratch_free(f);
    f = scratch_new();
    scratch_copy(REFERENCE "rgb.png", f, "\xff\xfe/1.png");
    expect_open_failure(options("images", f), ERR_INPUT, f, "UTF-8");
    scratch_free(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cifar_sizes), cmocka_unit_test(test_cifar_labels),
        cmocka_unit_test(test_names),       cmocka_unit_test(test_gzip),
        cmocka_unit_test(test_gzip_bomb),   cmocka_unit_test(test_idx),
        cmocka_unit_test(test_folders),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
