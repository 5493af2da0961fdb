// SPDX-License-Identifier: Apache-2.0
// safetensors files and folders of them that lie: each is refused by name, at once, in little
// memory.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "model/files/safetensors.h"
#include "model/files/weight_source.h"
#include "pipeline/base/file.h"
#include "pipeline/base/rng.h"
#include "pipeline/base/text.h"

static char folder[] = "/tmp/sulcus-safetensors-XXXXXX";
static char path[64];

static void write_bytes(const char *name, const void *bytes, size_t n)
{
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "wb"); // thousands of files: without a sync of each
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, n, file), n);
    assert_int_equal(fclose(file), 0);
}

// A file whose header claims `length` bytes (SIZE_MAX: as many as it has) before `data` bytes.
static void write_file(const char *name, uint64_t length, const char *header, size_t data)
{
    text t = {0};
    uint64_t claimed = length == UINT64_MAX ? strlen(header) : length;
    text_add_bytes(&t, (const char *)&claimed, 8);
    text_add(&t, header);
    for (size_t i = 0; i < data; i++)
        text_add_bytes(&t, "\1", 1);
    write_bytes(name, t.at, t.length);
    text_free(&t);
}

static long peak_kilobytes(void)
{
    struct rusage use;
    getrusage(RUSAGE_SELF, &use);
    return use.ru_maxrss;
}

// The file or folder at `at` must be refused within a second and 64 MB, naming `at` and `message`.
static void expect_refused(const char *at, const char *message)
{
    weight_source *c = NULL;
    struct timespec begin, end;
    long before = peak_kilobytes();
    clock_gettime(CLOCK_MONOTONIC, &begin);
    status st = weight_source_open(at, &c);
    clock_gettime(CLOCK_MONOTONIC, &end);
    assert_null(c);
    if (st != ERR_INPUT || !strstr(status_text(), message) || !strstr(status_text(), folder))
        fail_msg("expected \"%s\" (3), got %d \"%s\"", message, (int)st, status_text());
    assert_true((double)(end.tv_sec - begin.tv_sec) + 1e-9 * (double)(end.tv_nsec - begin.tv_nsec) <
                1);
    assert_true(peak_kilobytes() - before < 64 * 1024);
}

#define T(name, dtype, shape, offsets)                                                             \
    "\"" name "\":{\"dtype\":\"" dtype "\",\"shape\":" shape ",\"data_offsets\":" offsets "}"

static const struct {
    const char *header;
    uint64_t length;
    size_t data;
    const char *message;
} faults[] = {
    {"{}", UINT64_C(1) << 62, 0, "claims a header"},
    {"{}", UINT64_MAX - 7, 0, "claims a header"}, // 8 + N wraps
    {"{}", 100000001, 0, "claims a header"},
    {"{}", 3, 0, "claims a header"},
    {"[]", UINT64_MAX, 0, "'{' was expected"},
    {"{\"a", UINT64_MAX, 0, "does not end"},
    {"{\"\xff\xfe\":1}", UINT64_MAX, 0, "UTF-8"},
    {"{\"a\\u0000b\":1}", UINT64_MAX, 0, "UTF-8"},
    {"{}}", UINT64_MAX, 0, "follows the closing brace"},
    {"{" T("a", "F32", "[1]", "[0,4]") ",}", UINT64_MAX, 4, "was expected"},
    {"{\"a\":[[[[[[[[[[", UINT64_MAX, 0, "'{' was expected"},
    {"{" T("a", "F32", "[1]", "[4,0]") "}", UINT64_MAX, 4, "after its end"},
    {"{" T("a", "F32", "[1]", "[-4,0]") "}", UINT64_MAX, 4, "not negative"},
    {"{" T("a", "F32", "[1]", "[0,4.0]") "}", UINT64_MAX, 4, "whole number"},
    {"{" T("a", "F32", "[1]", "[0,4e0]") "}", UINT64_MAX, 4, "whole number"},
    {"{" T("a", "F32", "[1]", "[0]") "}", UINT64_MAX, 4, "',' was expected"},
    {"{" T("a", "F32", "[1]", "[0,4,8]") "}", UINT64_MAX, 4, "']' was expected"},
    {"{" T("a", "F32", "[1]", "[0,99999999999999999999999]") "}", UINT64_MAX, 4, "too large"},
    {"{" T("a", "F32", "[2]", "[0,4]") "}", UINT64_MAX, 4, "do not fill"},
    {"{" T("a", "F32", "[9223372036854775808,2]", "[0,0]") "}", UINT64_MAX, 0, "too large"},
    {"{" T("a", "F32", "[4294967296,4294967296]", "[0,0]") "}", UINT64_MAX, 0, "too large"},
    {"{" T("a", "F32", "[4611686018427387904]", "[0,0]") "}", UINT64_MAX, 0, "do not fill"},
    {"{" T("a", "F32", "[1,1,1,1,1,1,1,1,1]", "[0,4]") "}", UINT64_MAX, 4, "dimensions"},
    {"{" T("a", "F32", "[2]", "[0,8]") "}", UINT64_MAX, 4, "incomplete"},
    {"{" T("a", "F32", "[1]", "[0,4]") "," T("b", "F32", "[1]", "[2,6]") "}", UINT64_MAX, 6,
     "overlaps"},
    {"{" T("a", "F32", "[1]", "[0,4]") "," T("b", "F32", "[1]", "[8,12]") "}", UINT64_MAX, 12,
     "unused bytes"},
    {"{" T("a", "F32", "[1]", "[0,4]") "}", UINT64_MAX, 5, "follow the last tensor"},
    {"{" T("a", "F32", "[1]", "[0,4]") "," T("a", "F32", "[1]", "[4,8]") "}", UINT64_MAX, 8,
     "there twice"},
    {"{" T("a", "F4", "[1]", "[0,4]") "}", UINT64_MAX, 4, "dtype F4 is unknown"},
    {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1]}}", UINT64_MAX, 0, "are needed"},
    {"{\"a\":{\"dtype\":\"F32\",\"dtype\":\"F32\"}}", UINT64_MAX, 0, "there twice"},
    {"{\"a\":{\"color\":\"red\"}}", UINT64_MAX, 0, "is unknown"},
    {"{\"__metadata__\":{\"a\":1}}", UINT64_MAX, 0, "was expected"},
    {"{\"__metadata__\":{},\"__metadata__\":{}}", UINT64_MAX, 0, "tensor __metadata__"},
};

static void test_refuses(void **unused)
{
    (void)unused;
    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++) {
        write_file("a.safetensors", faults[i].length, faults[i].header, faults[i].data);
        expect_refused(path, faults[i].message);
    }
    write_bytes("a.safetensors", "", 0);
    expect_refused(path, "0 bytes");
    write_bytes("a.safetensors", "1234567", 7);
    expect_refused(path, "7 bytes");
}

static void test_reads(void **unused)
{
    (void)unused;
    weight_source *c = NULL;
    write_file("a.safetensors", UINT64_MAX,
               "{\"__metadata__\":{\"format\":\"pt\"}," T("number", "F32", "[]", "[0,4]") "," T(
                   "empty", "F16", "[0,4]", "[4,4]") "," T("row", "BF16", "[2,1]", "[4,8]") "}  ",
               8);
    assert_int_equal(weight_source_open(path, &c), OK);
    assert_int_equal(weight_source_count(c), 3);
    const tensor *number = weight_source_find(c, "number"), *empty = weight_source_find(c, "empty");
    assert_int_equal(number->dims, 0);
    assert_int_equal(number->elements, 1);
    assert_int_equal(empty->elements, 0);
    assert_int_equal(weight_source_find(c, "row")->n_bytes, 4);
    assert_null(weight_source_find(c, "none"));
    weight_source_close(c);
    write_file("a.safetensors", UINT64_MAX, "{}", 0);
    assert_int_equal(weight_source_open(path, &c), OK);
    assert_int_equal(weight_source_count(c), 0);
    weight_source_close(c);
    c = NULL;
}

// Cut anywhere and damaged anywhere: refused, or read; never anything else. (These tests also run
// under the sanitizers.)
static void test_cut_and_flipped(void **unused)
{
    (void)unused;
    char *bytes = NULL;
    size_t n;
    weight_source *c = NULL;
    assert_int_equal(
        file_read("tests/reference/models/vit-quick/model.safetensors", 1 << 20, &bytes, &n), OK);
    for (size_t cut = 0; cut < n; cut += cut < 2600 ? 1 : 97) {
        write_bytes("a.safetensors", bytes, cut);
        assert_int_equal(weight_source_open(path, &c), ERR_INPUT);
    }
    rng r = rng_new(1, "flips");
    for (size_t at = 0; at < 2600; at++) { // the header, and a little more
        char kept = bytes[at];
        bytes[at] = (char)(bytes[at] ^ (1 << rng_below(&r, at, 8)));
        write_bytes("a.safetensors", bytes, n);
        status st = weight_source_open(path, &c);
        assert_true(st == OK || st == ERR_INPUT);
        if (st == OK)
            weight_source_close(c);
        c = NULL;
        bytes[at] = kept;
    }
    free(bytes);
}

#define INDEX "model.safetensors.index.json"

static void write_index(const char *map)
{
    char line[512];
    snprintf(line, sizeof line, "{\"metadata\":{},\"weight_map\":%s}", map);
    write_bytes(INDEX, line, strlen(line));
}

static void test_shards(void **unused)
{
    (void)unused;
    weight_source *c = NULL;
    char loop[128];
    write_file("one.safetensors", UINT64_MAX, "{" T("a", "F32", "[1]", "[0,4]") "}", 4);
    write_file("two.safetensors", UINT64_MAX, "{" T("b", "F32", "[1]", "[0,4]") "}", 4);
    write_index("{\"a\":\"one.safetensors\",\"b\":\"two.safetensors\"}");
    assert_int_equal(weight_source_open(folder, &c), OK);
    assert_int_equal(weight_source_count(c), 2);
    weight_source_close(c);
    static const char *const bad[][2] = {
        {"{\"a\":\"one.safetensors\",\"b\":\"three.safetensors\"}", "cannot open"},
        {"{\"a\":\"../one.safetensors\"}", "must be a file beside"},
        {"{\"a\":\"/tmp/one.safetensors\"}", "must be a file beside"},
        {"{\"a\":\"..\"}", "must be a file beside"},
        {"{\"a\":\"\"}", "must be a file beside"},
        {"{\"a\":7}", "must be a file beside"},
        {"{\"a\":\"loop.safetensors\"}", "cannot open"},
        {"[]", "has no weight_map"},
        {"{\"a\":\"one.safetensors\",\"a\":\"two.safetensors\"}", "duplicate"},
        {"{\"a\":\"one.safetensors\"", "download the model again"},
    };
    snprintf(loop, sizeof loop, "%s/loop.safetensors", folder);
    assert_int_equal(symlink("loop.safetensors", loop), 0);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        write_index(bad[i][0]);
        expect_refused(folder, bad[i][1]);
    }
    write_file("one.safetensors", UINT64_MAX,
               "{" T("a", "F32", "[1]", "[0,4]") "," T("b", "F32", "[1]", "[4,8]") "}", 8);
    write_index("{\"a\":\"one.safetensors\",\"b\":\"two.safetensors\"}");
    expect_refused(folder, "also in");
}

// Is tensor `a` of the folder what index and shards agree on? *others: about which they do not.
static bool agreed_on_a(const char *index, char others[64])
{
    weight_source *c = NULL;
    write_index(index);
    assert_int_equal(weight_source_open(folder, &c), OK);
    const bool agreed = weight_source_agreed(c, weight_source_find(c, "a"));
    snprintf(others, 64, "%s", weight_source_disagreements(c));
    weight_source_close(c);
    return agreed;
}

// An index that is wrong about a tensor says nothing about the others.
static void test_disagreements(void **unused)
{
    (void)unused;
    char others[64];
    write_file("one.safetensors", UINT64_MAX,
               "{" T("a", "F32", "[1]", "[0,4]") "," T("c", "F32", "[1]", "[4,8]") "}", 8);
    write_file("two.safetensors", UINT64_MAX, "{" T("b", "F32", "[1]", "[0,4]") "}", 4);
    assert_true(agreed_on_a("{\"a\":\"one.safetensors\",\"b\":\"two.safetensors\","
                            "\"c\":\"one.safetensors\"}",
                            others));
    assert_string_equal(others, "");
    assert_true(agreed_on_a("{\"a\":\"one.safetensors\",\"b\":\"two.safetensors\"}", others));
    assert_string_equal(others, "c\n");
    assert_true(agreed_on_a("{\"a\":\"one.safetensors\",\"c\":\"one.safetensors\","
                            "\"d\":\"one.safetensors\"}",
                            others));
    assert_string_equal(others, "d\n");
    assert_false(agreed_on_a("{\"a\":\"two.safetensors\",\"c\":\"one.safetensors\"}", others));
}

static int setup(void **unused)
{
    (void)unused;
    return mkdtemp(folder) ? 0 : -1;
}

static int teardown(void **unused)
{
    (void)unused;
    char command[64];
    snprintf(command, sizeof command, "rm -r %s", folder);
    return system(command);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_reads), cmocka_unit_test(test_refuses),
                                       cmocka_unit_test(test_cut_and_flipped),
                                       cmocka_unit_test(test_shards),
                                       cmocka_unit_test(test_disagreements)};
    return cmocka_run_group_tests(tests, setup, teardown);
}
