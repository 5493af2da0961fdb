// SPDX-License-Identifier: Apache-2.0
// Artefact files: every type there and back, digests, and files that are not what they seem.
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "pipeline/base/file.h"
#include "pipeline/store/artefact_create.h"
#include "pipeline/store/artefact_digest.h"
#include "pipeline/store/artefact_file.h"
#include "pipeline/store/artefact_header.h"
#include "pipeline/store/hyperslab.h"
#include "pipeline/store/store.h"
#include "scratch.h"

static const double reals[2][3] = {{1.5, -0.0, 3e300}, {0, 5e-324, -7}};
static const float floats[6] = {1.5f, -2, 3, 4, 5, 6};
static const int64_t longs[3] = {INT64_MIN, 0, INT64_MAX};
static const int32_t ints[3] = {INT32_MIN, 0, INT32_MAX};
static const int8_t bytes[3] = {-128, 0, 127};
static const uint8_t ubytes[3] = {0, 1, 255};
static char *const odd[] = {"plain", "", "λατινικά, \"quoted\"\n\ttab \\ back", "名前", "a/b c"};

static void declare(artefact_writer *w, const variable *v)
{
    assert_int_equal(artefact_variable(w, v), OK);
}

// Variable `i` of the set, so that tests can declare them in any order.
static void declare_one(artefact_writer *w, int i)
{
    const variable all[] = {
        {.name = "real", .type = VARIABLE_F64, .dims = 2, .dim = {"row", "column"}, .data = reals},
        {.name = "single",
         .type = VARIABLE_F32,
         .dims = 2,
         .dim = {"row", "column"},
         .data = floats},
        {.name = "long", .type = VARIABLE_I64, .dims = 1, .dim = {"column"}, .data = longs},
        {.name = "int", .type = VARIABLE_I32, .dims = 1, .dim = {"column"}, .data = ints},
        {.name = "mask", .type = VARIABLE_I8, .dims = 1, .dim = {"column"}, .data = bytes},
        {.name = "bits", .type = VARIABLE_U8, .dims = 1, .dim = {"column"}, .data = ubytes},
        {.name = "subset", .type = VARIABLE_TEXT, .dims = 1, .dim = {"subset"}, .data = odd},
        {.name = "scalar", .type = VARIABLE_F64, .data = reals},
        {.name = "nothing", .type = VARIABLE_F64, .dims = 2, .dim = {"row", "empty"}},
        {.name = "no_rows", .type = VARIABLE_I8, .dims = 2, .dim = {"empty", "row"}},
        {.name = "no_texts", .type = VARIABLE_TEXT, .dims = 1, .dim = {"empty"}},
    };
    variable v = all[i];
    v.long_name = "a variable";
    v.units = "1";
    declare(w, &v);
}

enum { VARIABLES = 11 };

static artefact_writer *describe(bool backwards)
{
    artefact_writer *w;
    assert_int_equal(artefact_writer_new(&w), OK);
    assert_int_equal(artefact_dim(w, "row", 2), OK);
    assert_int_equal(artefact_dim(w, "column", 3), OK);
    assert_int_equal(artefact_dim(w, "row", 2), OK);
    assert_int_equal(artefact_dim(w, "subset", 5), OK);
    assert_int_equal(artefact_dim(w, "empty", 0), OK);
    for (int i = 0; i < VARIABLES; i++)
        declare_one(w, backwards ? VARIABLES - 1 - i : i);
    assert_int_equal(artefact_attribute(w, "title", backwards ? "b" : "naïve \"title\""), OK);
    return w;
}

// Creates a file and returns its digest as read back, which must be the one of what was written.
static void create(const char *path, artefact_writer *w, char hex[DIGEST_HEX])
{
    char written[DIGEST_HEX];
    artefact *a;
    unlink(path);
    assert_int_equal(artefact_create(path, w, written), OK);
    assert_int_equal(artefact_open(path, &a), OK);
    assert_int_equal(artefact_digest(a, hex), OK);
    assert_string_equal(hex, written);
    artefact_close(a);
    artefact_writer_free(w);
}

static void test_round_trip(void **unused)
{
    (void)unused;
    char hex[DIGEST_HEX], **texts, *title;
    double real[6];
    float single[6];
    int64_t long_[3], n, lengths[VARIABLE_MAX_DIMS];
    int32_t int_[3];
    int8_t byte[3];
    uint8_t ubyte[3];
    artefact *a;
    variable_type type;
    int dims;
    const char *path = scratch_path("all.nc");
    create(path, describe(false), hex);
    assert_int_equal(artefact_open(path, &a), OK);
    assert_int_equal(artefact_read(a, "real", VARIABLE_F64, real), OK);
    assert_memory_equal(real, reals, sizeof real);
    assert_int_equal(artefact_read_rows(a, "real", VARIABLE_F64, 1, 1, real), OK);
    assert_memory_equal(real, reals[1], sizeof reals[1]);
    assert_int_equal(artefact_read(a, "single", VARIABLE_F32, single), OK);
    assert_memory_equal(single, floats, sizeof single);
    assert_int_equal(artefact_read(a, "single", VARIABLE_F64, real), OK);
    assert_true(real[0] == 1.5 && real[5] == 6);
    assert_int_equal(artefact_read(a, "long", VARIABLE_I64, long_), OK);
    assert_memory_equal(long_, longs, sizeof long_);
    assert_int_equal(artefact_read(a, "long", VARIABLE_I32, int_), ERR_INPUT); // does not fit
    assert_int_equal(artefact_read(a, "int", VARIABLE_I32, int_), OK);
    assert_memory_equal(int_, ints, sizeof int_);
    assert_int_equal(artefact_read(a, "mask", VARIABLE_I8, byte), OK);
    assert_memory_equal(byte, bytes, sizeof byte);
    assert_int_equal(artefact_read(a, "bits", VARIABLE_U8, ubyte), OK);
    assert_memory_equal(ubyte, ubytes, sizeof ubyte);
    assert_int_equal(artefact_read_texts(a, "subset", &n, &texts), OK);
    assert_int_equal(n, 5);
    for (int i = 0; i < 5; i++)
        assert_string_equal(texts[i], odd[i]);
    free(texts);
    assert_int_equal(artefact_read_texts(a, "no_texts", &n, &texts), OK);
    assert_int_equal(n, 0);
    free(texts);
    assert_int_equal(artefact_shape(a, "nothing", &type, &dims, lengths), OK);
    assert_true(type == VARIABLE_F64 && dims == 2 && lengths[0] == 2 && lengths[1] == 0);
    assert_int_equal(artefact_read(a, "nothing", VARIABLE_F64, real), OK);
    assert_int_equal(artefact_read(a, "scalar", VARIABLE_F64, real), OK);
    assert_true(real[0] == 1.5);
    assert_int_equal(artefact_length(a, "column"), 3);
    assert_int_equal(artefact_length(a, "nowhere"), -1);
    title = artefact_get_attribute(a, "title");
    assert_string_equal(title, "naïve \"title\"");
    free(title);
    assert_null(artefact_get_attribute(a, "nowhere"));
    assert_int_equal(artefact_read(a, "nowhere", VARIABLE_F64, real), ERR_INPUT);
    assert_non_null(strstr(status_text(), "nowhere"));
    assert_int_equal(artefact_read(a, "subset", VARIABLE_F64, real), ERR_INPUT);
    assert_int_equal(artefact_read_texts(a, "real", &n, &texts), ERR_INPUT);
    artefact_close(a);
}

static void test_digest(void **unused)
{
    (void)unused;
    char first[DIGEST_HEX], second[DIGEST_HEX];
    create(scratch_path("first.nc"), describe(false), first);
    create(scratch_path("second.nc"), describe(true), second); // other order, other attributes
    assert_string_equal(first, second);
    // The same, computed in Python (xxhash, struct and NumPy) from the rule in artefact_file.h.
    assert_string_equal(first, "c5aa6ed397b3a68886450c191f56e83b");
    // The twin: one bit of one value, or a name, must show.
    double changed[2][3];
    memcpy(changed, reals, sizeof changed);
    changed[1][1] = 0;
    artefact_writer *w = describe(false);
    w->variables[0].data = changed;
    create(scratch_path("second.nc"), w, second);
    assert_string_not_equal(first, second);
    w = describe(false);
    w->variables[0].name[0] = 'R';
    create(scratch_path("second.nc"), w, second);
    assert_string_not_equal(first, second);
}

typedef struct filler {
    int64_t rows, next, largest;
    int fail_at;
} filler;

enum { WIDE = 3000, LAYERS = 12, SUBSETS = 40 };

static double value_at(int64_t row, int64_t i)
{
    return (double)(row * WIDE + i) * 0.25;
}

static status fill(void *context, int64_t first, int64_t rows, void *out)
{
    filler *f = context;
    double *at = out;
    assert_int_equal(first, f->next); // ascending, without holes
    f->next += rows;
    if (rows > f->largest)
        f->largest = rows;
    if (f->fail_at && f->next > f->fail_at)
        return status_fail(ERR_NUMERIC, "a stage", "found NaN");
    for (int64_t r = 0; r < rows; r++)
        for (int64_t i = 0; i < WIDE; i++)
            *at++ = value_at(first + r, i);
    return OK;
}

static artefact_writer *describe_large(filler *f, const int8_t *mask)
{
    artefact_writer *w;
    assert_int_equal(artefact_writer_new(&w), OK);
    assert_int_equal(artefact_dim(w, "subset", SUBSETS), OK);
    assert_int_equal(artefact_dim(w, "layer", LAYERS), OK);
    assert_int_equal(artefact_dim(w, "unit", WIDE), OK);
    declare(w, &(variable){.name = "mean",
                           .type = VARIABLE_F64,
                           .dims = 3,
                           .dim = {"subset", "layer", "unit"},
                           .long_name = "mean",
                           .units = "1",
                           .fill = fill,
                           .context = f});
    declare(w, &(variable){.name = "mask",
                           .type = VARIABLE_I8,
                           .dims = 3,
                           .dim = {"subset", "layer", "unit"},
                           .long_name = "mask",
                           .units = "1",
                           .data = mask});
    return w;
}

static void test_fill_by_rows(void **unused)
{
    (void)unused;
    enum { ROWS = SUBSETS * LAYERS };
    char hex[DIGEST_HEX];
    filler f = {0};
    int8_t *mask = calloc(ROWS, WIDE), *back = calloc(ROWS, WIDE);
    double *rows = calloc(30 * WIDE, sizeof *rows);
    artefact *a;
    for (int64_t i = 0; i < ROWS * WIDE; i++)
        mask[i] = i % 53 == 0;
    create(scratch_path("large.nc"), describe_large(&f, mask), hex);
    assert_int_equal(f.next, ROWS);
    assert_true(f.largest * WIDE * 8 <= 8 << 20); // bounded memory
    assert_int_equal(artefact_open(scratch_path("large.nc"), &a), OK);
    for (int64_t first = 0; first < ROWS; first += 29) { // rows that begin and end inside subsets
        int64_t n = ROWS - first < 29 ? ROWS - first : 29;
        assert_int_equal(artefact_read_rows(a, "mean", VARIABLE_F64, first, n, rows), OK);
        for (int64_t i = 0; i < n * WIDE; i++)
            assert_true(rows[i] == value_at(first + i / WIDE, i % WIDE));
    }
    assert_int_equal(artefact_read_rows(a, "mean", VARIABLE_F64, ROWS - 1, 2, rows), ERR_INTERNAL);
    assert_int_equal(artefact_read(a, "mask", VARIABLE_I8, back), OK);
    assert_memory_equal(mask, back, ROWS * WIDE);
    artefact_close(a);
    f = (filler){.fail_at = 400};
    artefact_writer *w = describe_large(&f, mask);
    unlink(scratch_path("large.nc"));
    assert_int_equal(artefact_create(scratch_path("large.nc"), w, hex), ERR_NUMERIC);
    assert_string_equal(status_text(), "a stage: found NaN");
    artefact_writer_free(w);
    free(mask);
    free(back);
    free(rows);
}

// Every (first, rows) of a small array, as rectangles, covers exactly those rows in order.
static void test_slabs(void **unused)
{
    (void)unused;
    const int64_t lengths[] = {3, 2, 4, 5};
    enum { ROWS = 24 };
    for (int64_t first = 0; first < ROWS; first++)
        for (int64_t n = 1; first + n <= ROWS; n++)
            for (int64_t at = first; at < first + n;) {
                hyperslab s = hyperslab_next(4, lengths, at, first + n - at);
                int64_t location = 0, rows = 1;
                for (int d = 0; d < 3; d++) {
                    location = location * lengths[d] + (int64_t)s.start[d];
                    rows *= (int64_t)s.count[d];
                    assert_true((int64_t)(s.start[d] + s.count[d]) <= lengths[d]);
                }
                assert_int_equal(location, at);
                assert_int_equal(rows, s.rows);
                assert_true(s.rows > 0 && s.count[3] == 5);
                at += s.rows;
            }
    assert_int_equal(hyperslab_next(4, lengths, 0, ROWS).rows, ROWS); // all at once where it is all
    assert_int_equal(hyperslab_next(4, lengths, 8, 16).rows, 16);
    assert_int_equal(hyperslab_next(1, lengths, 0, 1).count[0], 3);
    int64_t rows, items, huge[] = {INT64_MAX / 2, 4, 1};
    assert_false(hyperslab_shape(3, huge, &rows, &items));
}

static void test_refuses_descriptions(void **unused)
{
    (void)unused;
    artefact_writer *w = describe(false);
    assert_int_equal(artefact_dim(w, "row", 3), ERR_INTERNAL);
    assert_int_equal(artefact_dim(w, "a/b", 3), ERR_INTERNAL);
    variable v = {.name = "x",
                  .type = VARIABLE_F64,
                  .dims = 1,
                  .dim = {"row"},
                  .long_name = "x",
                  .data = reals};
    assert_int_equal(artefact_variable(w, &v), ERR_INTERNAL); // no units
    v.units = "1";
    v.dim[0] = "nowhere";
    assert_int_equal(artefact_variable(w, &v), ERR_INTERNAL);
    v.dim[0] = "row";
    assert_int_equal(artefact_variable(w, &v), OK);
    assert_int_equal(artefact_variable(w, &v), ERR_INTERNAL); // twice
    v.name = "y";
    v.data = NULL;
    assert_int_equal(artefact_variable(w, &v), ERR_INTERNAL); // no data
    artefact_writer_free(w);
}

static status open_bytes(const void *head, size_t n)
{
    artefact *a = NULL;
    scratch_write(scratch_path("bad.nc"), head, n);
    status st = artefact_open(scratch_path("bad.nc"), &a);
    artefact_close(a);
    return st;
}

static void test_foreign_files(void **unused)
{
    (void)unused;
    artefact *a = NULL;
    assert_int_equal(open_bytes("", 0), ERR_INPUT);
    assert_int_equal(open_bytes("CDF\001\0\0\0\0\0\0\0\0\0", 13), ERR_INPUT);
    assert_int_equal(open_bytes("CDF\002\0\0\0\0\0\0\0\12\0\0\0\1\377\377\377\377", 20), ERR_INPUT);
    assert_int_equal(open_bytes("\211HDF\r\n\032\n", 8), ERR_INPUT);
    assert_int_equal(artefact_open(scratch, &a), ERR_INPUT);
    assert_int_equal(artefact_open(scratch_path("absent.nc"), &a), ERR_INPUT);
    assert_int_equal(artefact_open("/dev/zero", &a), ERR_INPUT);
}

static void test_truncated(void **unused)
{
    (void)unused;
    char hex[DIGEST_HEX], *whole;
    size_t size;
    create(scratch_path("whole.nc"), describe(false), hex);
    assert_int_equal(file_read(scratch_path("whole.nc"), 1 << 24, &whole, &size), OK);
    for (size_t n = 0; n < size; n += 512)
        assert_int_equal(open_bytes(whole, n), ERR_INPUT);
    assert_int_equal(open_bytes(whole, size - 1), ERR_INPUT);
    assert_int_equal(open_bytes(whole, size), OK);
    free(whole);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip),           cmocka_unit_test(test_digest),
        cmocka_unit_test(test_fill_by_rows),         cmocka_unit_test(test_slabs),
        cmocka_unit_test(test_foreign_files),        cmocka_unit_test(test_truncated),
        cmocka_unit_test(test_refuses_descriptions),
    };
    return cmocka_run_group_tests_name("artefact", tests, scratch_setup, scratch_teardown);
}
