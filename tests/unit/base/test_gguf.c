// SPDX-License-Identifier: Apache-2.0
// The GGUF container: a file written here byte by byte after the format's description, and what
// happens to it when it lies.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "pipeline/base/file.h"
#include "pipeline/base/gguf.h"
#include "pipeline/base/rng.h"
#include "pipeline/base/text.h"

typedef struct place { // offsets of fields that tests corrupt
    size_t version, tensors, keys, first_key, array_count, text_count, dims, shape, type, offset,
        alignment;
} place;

static void put(text *t, const void *bytes, size_t n)
{
    text_add_bytes(t, bytes, n);
}

static void put32(text *t, uint32_t v)
{
    put(t, &v, sizeof v);
}

static void put64(text *t, uint64_t v)
{
    put(t, &v, sizeof v);
}

static void put_text(text *t, const char *s)
{
    put64(t, strlen(s));
    put(t, s, strlen(s));
}

// Two tensors (F32 [32, 2], Q8_0 [32]) and a key of each kind.
static text sample(place *p)
{
    text t = {0};
    put(&t, "GGUF", 4);
    p->version = t.length, put32(&t, 3);
    p->tensors = t.length, put64(&t, 2);
    p->keys = t.length, put64(&t, 6);
    p->first_key = t.length, put_text(&t, "llama.block_count"), put32(&t, 4), put32(&t, 7);
    put_text(&t, "eps"), put32(&t, 6), put32(&t, 0x3f000000);
    put_text(&t, "flag"), put32(&t, 7), put(&t, "\1", 1);
    put_text(&t, "tokens"), put32(&t, 9), put32(&t, 8);
    p->text_count = t.length, put64(&t, 2), put_text(&t, "a"), put_text(&t, "bc");
    put_text(&t, "types"), put32(&t, 9), put32(&t, 5);
    p->array_count = t.length, put64(&t, 2), put32(&t, 1), put32(&t, (uint32_t)-2);
    put_text(&t, "general.alignment"), put32(&t, 4), p->alignment = t.length, put32(&t, 32);
    put_text(&t, "w");
    p->dims = t.length, put32(&t, 2);
    p->shape = t.length, put64(&t, 32), put64(&t, 2);
    p->type = t.length, put32(&t, 0);
    p->offset = t.length, put64(&t, 0);
    put_text(&t, "q"), put32(&t, 1), put64(&t, 32), put32(&t, 8), put64(&t, 256);
    while (t.length % 32)
        put(&t, "", 1);
    for (int i = 0; i < 256 + 34; i++)
        put(&t, "\7", 1);
    return t;
}

static char path[] = "/tmp/sulcus-gguf-XXXXXX";

static status open_bytes(const text *t, gguf **g)
{
    assert_int_equal(file_write_atomic(path, t->at, t->length), OK);
    return gguf_open(path, g);
}

static void test_reads(void **unused)
{
    (void)unused;
    place p;
    text t = sample(&p);
    gguf *g = NULL;
    int64_t whole, *ints;
    double real;
    bool flag;
    gguf_text *texts;
    size_t n;
    char line[64];
    assert_int_equal(open_bytes(&t, &g), OK);
    assert_int_equal(gguf_get_int(g, "llama.block_count", &whole), OK);
    assert_int_equal(whole, 7);
    assert_int_equal(gguf_get_real(g, "eps", &real), OK);
    assert_true(real == 0.5);
    assert_int_equal(gguf_get_bool(g, "flag", &flag), OK);
    assert_true(flag);
    assert_int_equal(gguf_get_texts(g, "tokens", &texts, &n), OK);
    assert_int_equal(n, 2);
    assert_memory_equal(texts[1].bytes, "bc", 2);
    free(texts);
    assert_int_equal(gguf_get_ints(g, "types", &ints, &n), OK);
    assert_int_equal(ints[1], -2);
    free(ints);
    assert_int_equal(gguf_get_int(g, "eps", &whole), ERR_INPUT); // a key of the wrong type
    assert_int_equal(gguf_get_int(g, "tokens", &whole), ERR_INPUT);
    assert_int_equal(gguf_get_int(g, "none", &whole), ERR_INPUT);
    gguf_describe(g, 3, line, sizeof line);
    assert_string_equal(line, "texts[2]");
    const gguf_tensor *w = gguf_find(g, "w"), *q = gguf_find(g, "q");
    assert_non_null(w);
    assert_int_equal(w->bytes, 256);
    assert_int_equal(q->bytes, 34);
    assert_ptr_equal(q->data, w->data + 256);
    assert_null(gguf_find(g, "none"));
    gguf_close(g);
    text_free(&t);
}

static void expect_refused(const text *t, const char *message)
{
    gguf *g = NULL;
    assert_int_equal(open_bytes(t, &g), ERR_INPUT);
    assert_non_null(strstr(status_text(), path));
    if (!strstr(status_text(), message))
        fail_msg("expected \"%s\" in \"%s\"", message, status_text());
}

static void test_refuses(void **unused)
{
    (void)unused;
    place p;
    text t = sample(&p);
    const struct {
        size_t at, bytes;
        uint64_t value;
        const char *message;
    } faults[] = {
        {0, 1, 'X', "is not a GGUF"},
        {p.version, 4, 1, "version 1"},
        {p.version, 4, 0x03000000, "big-endian"},
        {p.tensors, 8, UINT64_MAX, "too short"},
        {p.keys, 8, (uint64_t)1 << 40, "too short"},
        {p.first_key, 8, (uint64_t)-8, "past the end"},
        {p.first_key, 8, 0, "a key of 0 bytes"},
        {p.text_count, 8, (uint64_t)1 << 61, "do not fit"},
        {p.array_count, 8, UINT64_MAX / 2, "do not fit"},
        {p.array_count - 4, 4, 9, "unknown value type"},
        {p.array_count - 4, 4, 77, "unknown value type"},
        {p.alignment, 4, 0, "power of two"},
        {p.alignment, 4, 48, "power of two"},
        {p.dims, 4, 5, "dimensions"},
        {p.dims, 4, 0, "dimensions"},
        {p.shape, 8, 0, "dimension 0 is 0"},
        {p.shape, 8, (uint64_t)-32, "dimension"},
        {p.shape, 8, (uint64_t)1 << 62, "dimension"},
        {p.shape, 8, 64, "beyond the end"},
        {p.shape, 8, 16, "expected 128"},
        {p.type, 4, 99, "type 99"},
        {p.type, 4, 12, "whole Q4_K blocks"},
        {p.offset, 8, 32, "expected 0"},
    };
    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++) {
        text broken = {0};
        put(&broken, t.at, t.length);
        memcpy(broken.at + faults[i].at, &faults[i].value, faults[i].bytes);
        expect_refused(&broken, faults[i].message);
        text_free(&broken);
    }
    text twice = {0};
    put(&twice, t.at, t.length);
    char *second =
        memmem(twice.at, twice.length, "q\1\0\0\0", 5); // the tensor "q" becomes another "w"
    *second = 'w';
    expect_refused(&twice, "w stands twice");
    text_free(&twice);
    gguf *g = NULL;
    for (size_t n = 0; n < t.length; n++) { // cut anywhere
        text cut = {0};
        put(&cut, t.at, n);
        assert_int_equal(file_write_atomic(path, n ? cut.at : "", n), OK);
        assert_int_equal(gguf_open(path, &g), ERR_INPUT);
        text_free(&cut);
    }
    text_free(&t);
}

// Random damage must end in OK or ERR_INPUT, never in a crash (this runs under the sanitizers).
static void test_fuzz(void **unused)
{
    (void)unused;
    place p;
    text t = sample(&p);
    rng r = rng_new(1, "gguf");
    for (uint64_t i = 0; i < 3000; i++) {
        text broken = {0};
        gguf *g = NULL;
        put(&broken, t.at, t.length);
        for (uint64_t k = 0; k < 1 + i % 4; k++)
            broken.at[rng_below(&r, 8 * i + 2 * k, t.length)] =
                (char)rng_u64(&r, 8 * i + 2 * k + 1);
        status st = open_bytes(&broken, &g);
        assert_true(st == OK || st == ERR_INPUT);
        gguf_close(g);
        text_free(&broken);
    }
    text_free(&t);
}

static int setup(void **unused)
{
    (void)unused;
    int file = mkstemp(path);
    return file < 0 ? -1 : close(file);
}

static int teardown(void **unused)
{
    (void)unused;
    return unlink(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_reads), cmocka_unit_test(test_refuses),
                                       cmocka_unit_test(test_fuzz)};
    return cmocka_run_group_tests(tests, setup, teardown);
}
