// SPDX-License-Identifier: Apache-2.0
// The reader of Parquet files against what pyarrow reads in them (tests/reference/make_parquet.py):
// every codec, encoding, page version and nesting; rows at random; what is refused, and files that
// are cut or damaged in any place.
#include "scratch.h"

#include <inttypes.h>

#include "data/parquet/parquet_file.h"
#include "data/parquet/parquet_reader.h"

#define FILES   "tests/reference/parquet/files/"
#define REFUSED "tests/reference/parquet/refused/"

static void spell_value(const parquet_value *v, text *to)
{
    uint64_t bits;
    switch (v->kind) {
    case PARQUET_NULL:
        text_add(to, "-");
        break;
    case PARQUET_BYTES:
        text_add(to, "x");
        for (uint32_t i = 0; i < v->n; i++)
            text_addf(to, "%02x", (unsigned char)v->bytes[i]);
        break;
    case PARQUET_INTEGER:
        text_addf(to, "%" PRId64, v->integer);
        break;
    case PARQUET_REAL:
        memcpy(&bits, &v->real, sizeof bits);
        text_addf(to, "r%016" PRIx64, bits);
        break;
    case PARQUET_TRUTH:
        text_add(to, v->integer ? "t" : "f");
    }
}

static status spell_row(parquet_reader *r, bool list, text *to)
{
    parquet_value v;
    parquet_list l;
    text_add(to, list ? " [" : " ");
    status st = list ? parquet_reader_next_list(r, &l) : parquet_reader_next(r, &v);
    for (size_t i = 0; st == OK && list && i < l.n; i++) {
        text_add(to, i ? "," : "");
        spell_value(&l.at[i], to);
    }
    if (st == OK && !list)
        spell_value(&v, to);
    text_add(to, list ? "]" : "");
    return st;
}

// All values of a file, as make_parquet.py spells them.
static status spell_file(const char *path, text *to)
{
    status st;
    parquet_file *f = NULL;
    parquet_reader *r = NULL;
    TRY(parquet_file_open(path, &f));
    const schema *s = parquet_file_schema(f);
    for (size_t c = 0; c < s->n; c++) {
        text_add(to, s->at[c].name);
        TRY(parquet_reader_open(f, &s->at[c], NULL, &r));
        for (int64_t i = 0; i < parquet_file_rows(f); i++)
            TRY(spell_row(r, s->at[c].repetition > 0, to));
        text_add(to, parquet_file_rows(f) ? "\n" : " \n");
        parquet_reader_close(r);
        r = NULL;
    }
done:
    parquet_reader_close(r);
    parquet_file_close(f);
    return st;
}

static char *values_of(const char *name)
{
    char *path = text_format(FILES "%s.txt", name), *values;
    size_t n;
    assert_int_equal(file_read(path, (size_t)1 << 20, &values, &n), OK);
    free(path);
    return values;
}

// What was read must be what pyarrow reads, line for line: a line is a column.
static void expect_values(const char *name, const char *got, const char *values)
{
    while (*got || *values) {
        size_t n = strcspn(got, "\n"), m = strcspn(values, "\n");
        if (n != m || memcmp(got, values, n) != 0)
            fail_msg("%s: %.*s\nexpected %.*s", name, (int)n, got, (int)m, values);
        got += n + (got[n] != 0);
        values += m + (values[m] != 0);
    }
}

static void for_each_case(void (*check)(const char *name, const char *path, const char *values))
{
    char name[64], values[64];
    FILE *f = fopen(FILES "cases.txt", "r");
    int n = 0;
    assert_non_null(f);
    for (; fscanf(f, "%63s %63s", name, values) == 2; n++) {
        char *path = text_format(FILES "%s.parquet", name), *expected = values_of(values);
        check(name, path, expected);
        free(path);
        free(expected);
    }
    fclose(f);
    assert_in_range(n, 19, 99);
}

static void check_values(const char *name, const char *path, const char *values)
{
    text got = {0};
    if (spell_file(path, &got) != OK)
        fail_msg("%s", status_text());
    expect_values(name, text_get(&got), values);
    text_free(&got);
}

static void test_values(void **state)
{
    (void)state;
    for_each_case(check_values);
}

// The twin: a value that is another one in the file is another one here.
static void test_values_twin(void **state)
{
    (void)state;
    char *bytes, *f = scratch_new(), *path = file_join(f, "x.parquet"),
                 *values = values_of("values-1");
    size_t n;
    text got = {0};
    assert_int_equal(file_read(FILES "none-1.parquet", (size_t)1 << 20, &bytes, &n), OK);
    char *word = memmem(bytes, n, "prefix of number", 16);
    assert_non_null(word);
    *word = 'P';
    scratch_write(f, "x.parquet", bytes, n);
    assert_int_equal(spell_file(path, &got), OK);
    assert_string_not_equal(text_get(&got), values);
    free(bytes);
    free(values);
    free(path);
    text_free(&got);
    scratch_free(f);
}

// Rows in an order that goes on, back, and over pages and groups.
static void check_seeks(const char *name, const char *path, const char *values)
{
    (void)values;
    parquet_file *f = NULL;
    assert_int_equal(parquet_file_open(path, &f), OK);
    const schema *s = parquet_file_schema(f);
    const int64_t rows = parquet_file_rows(f);
    for (size_t c = 0; c < s->n && rows > 0; c++) {
        parquet_reader *r = NULL, *all = NULL;
        text *row = calloc((size_t)rows, sizeof *row), got = {0};
        if (s->at[c].repetition > 0) {
            free(row);
            continue;
        }
        assert_int_equal(parquet_reader_open(f, &s->at[c], NULL, &all), OK);
        for (int64_t i = 0; i < rows; i++)
            assert_int_equal(spell_row(all, false, &row[i]), OK);
        assert_int_equal(parquet_reader_open(f, &s->at[c], NULL, &r), OK);
        for (int64_t k = 0, i = rows / 2; k < 60; k++, i = (i * 5 + 3 * k + 1) % rows) {
            got.length = 0;
            if (parquet_reader_seek(r, i) != OK || spell_row(r, false, &got) != OK)
                fail_msg("%s, %s, row %d: %s", name, s->at[c].name, (int)i, status_text());
            assert_string_equal(text_get(&got), text_get(&row[i]));
        }
        for (int64_t i = 0; i < rows; i++)
            text_free(&row[i]);
        free(row);
        text_free(&got);
        parquet_reader_close(r);
        parquet_reader_close(all);
    }
    parquet_file_close(f);
}

static void test_seeks(void **state)
{
    (void)state;
    for_each_case(check_seeks);
}

static void expect_refusal(const char *path, const char *what)
{
    text got = {0};
    expect_failure(spell_file(path, &got), ERR_INPUT, path, what);
    text_free(&got);
}

static void test_refusals(void **state)
{
    (void)state;
    expect_refusal(REFUSED "brotli.parquet",
                   "column text, row group 0: the page at byte 4 is packed with Brotli");
    expect_refusal(REFUSED "lzo.parquet", "LZO");
    expect_refusal(REFUSED "split.parquet", "BYTE_STREAM_SPLIT");
    expect_refusal(REFUSED "fixed.parquet", "column text is of type FIXED_LEN_BYTE_ARRAY");
    expect_refusal(REFUSED "int96.parquet", "column text is of type INT96");
    expect_refusal(REFUSED "nested.parquet", "lists in lists");
    expect_refusal(REFUSED "encrypted.parquet", "is encrypted");
    expect_refusal(FILES "cases.txt", "no Parquet file");
    expect_refusal("/nowhere", "cannot open");
}

// Cut or damaged anywhere, a file is refused, or read as one with other values.
static void damage_file(const char *name)
{
    char *from = text_format(FILES "%s.parquet", name), *bytes, *f = scratch_new();
    char *path = file_join(f, "x.parquet");
    size_t n, refused = 0, tried = 0;
    text good = {0}, got = {0};
    assert_int_equal(spell_file(from, &good), OK);
    assert_int_equal(file_read(from, (size_t)1 << 20, &bytes, &n), OK);
    for (size_t i = 0; i < n; i += 1 + n / 120, tried += 2) {
        got.length = 0;
        scratch_write(f, "x.parquet", bytes, i);
        expect_failure(spell_file(path, &got), ERR_INPUT, path, NULL);
        bytes[i] = (char)(bytes[i] ^ 1 << i % 8);
        scratch_write(f, "x.parquet", bytes, n);
        bytes[i] = (char)(bytes[i] ^ 1 << i % 8);
        got.length = 0;
        if (spell_file(path, &got) != OK)
            expect_failure(ERR_INPUT, ERR_INPUT, path, NULL);
        refused += strcmp(text_get(&got), text_get(&good)) != 0;
    }
    assert_in_range(refused, tried / 8, tried);
    free(from);
    free(bytes);
    free(path);
    text_free(&good);
    text_free(&got);
    scratch_free(f);
}

static void test_damage(void **state)
{
    (void)state;
    damage_file("none-1");
    damage_file("snappy-2");
    damage_file("gzip-1");
    damage_file("zstd-2");
    damage_file("old-lists");
    damage_file("lz4-hadoop");
}

// A damaged page is found by its sum.
static void test_sum(void **state)
{
    (void)state;
    char *bytes, *f = scratch_new(), *path = file_join(f, "x.parquet");
    size_t n;
    text got = {0};
    assert_int_equal(file_read(FILES "zstd-1.parquet", (size_t)1 << 20, &bytes, &n), OK);
    char *frame = memmem(bytes, n, "\x28\xb5\x2f\xfd", 4); // of the first page
    assert_non_null(frame);
    frame[8] ^= 1;
    scratch_write(f, "x.parquet", bytes, n);
    expect_failure(spell_file(path, &got), ERR_INPUT, "row group 0", "has not the sum");
    free(bytes);
    free(path);
    text_free(&got);
    scratch_free(f);
}

int main(void)
{
#if !defined(SULCUS_SNAPPY) || !defined(SULCUS_LZ4)
    puts("the program is built without Snappy or LZ4: files that are packed so must be refused");
    expect_refusal(FILES "snappy-1.parquet", "was built without");
    return 0;
#endif
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_values), cmocka_unit_test(test_values_twin),
        cmocka_unit_test(test_seeks),  cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_damage), cmocka_unit_test(test_sum),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
