// SPDX-License-Identifier: Apache-2.0
// Metadata by key, with its kind checked: a file may store the same number as any of ten types.
#include "pipeline/base/gguf_table.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/base/checked.h"

size_t gguf_keys(const gguf *g)
{
    return g->n_entries;
}

gguf_text gguf_key(const gguf *g, size_t i)
{
    return g->entries[i].key;
}

static bool is_int(enum value_type t)
{
    return t <= I32 || t == U64 || t == I64;
}

static bool is_int_or_bool(enum value_type t)
{
    return is_int(t) || t == BOOL;
}

static bool is_real(enum value_type t)
{
    return t == F32 || t == F64;
}

static bool is_bool(enum value_type t)
{
    return t == BOOL;
}

static bool is_text(enum value_type t)
{
    return t == TEXT;
}

// Finds a key whose value, or whose items with `array`, is of the wanted kind.
static status want(const gguf *g, const char *key, bool array, bool kind(enum value_type),
                   const char *kind_name, const entry **out)
{
    const entry *e = gguf_table_entry(g, key);
    if (!e)
        return status_fail(ERR_INPUT, g->path, "key %s is missing", key);
    if ((e->type == ARRAY) != array || !kind(e->item))
        return status_fail(ERR_INPUT, g->path, "key %s is not %s%s", key,
                           array ? "an array of " : "", kind_name);
    *out = e;
    return OK;
}

// An integer of any width at `at`; false when it does not fit int64_t.
static bool int_at(enum value_type type, const unsigned char *at, int64_t *out)
{
    union {
        uint8_t u8;
        int8_t i8;
        uint16_t u16;
        int16_t i16;
        uint32_t u32;
        int32_t i32;
        uint64_t u64;
        int64_t i64;
    } v = {0};
    memcpy(&v, at, gguf_table_value_bytes[type]);
    *out = type == U8 || type == BOOL ? v.u8
           : type == I8               ? v.i8
           : type == U16              ? v.u16
           : type == I16              ? v.i16
           : type == U32              ? (int64_t)v.u32
           : type == I32              ? v.i32
                                      : v.i64;
    return type != U64 || v.u64 <= INT64_MAX;
}

static double real_at(enum value_type type, const unsigned char *at)
{
    float single;
    double wide;
    if (type == F64) {
        memcpy(&wide, at, sizeof wide);
        return wide;
    }
    memcpy(&single, at, sizeof single);
    return single;
}

status gguf_get_int(const gguf *g, const char *key, int64_t *out)
{
    const entry *e = NULL;
    status st;
    TRY(want(g, key, false, is_int, "an integer", &e));
    if (!int_at(e->type, e->at, out))
        st = status_fail(ERR_INPUT, g->path, "key %s does not fit 63 bits", key);
done:
    return st;
}

status gguf_get_real(const gguf *g, const char *key, double *out)
{
    const entry *e = NULL;
    status st = want(g, key, false, is_real, "a real number", &e);
    if (st == OK)
        *out = real_at(e->type, e->at);
    return st;
}

status gguf_get_bool(const gguf *g, const char *key, bool *out)
{
    const entry *e = NULL;
    status st = want(g, key, false, is_bool, "true or false", &e);
    if (st == OK)
        *out = e->at[0] != 0;
    return st;
}

// The text at *at, which was checked when the file was opened; steps *at over it.
static gguf_text text_at(const unsigned char **at)
{
    uint64_t n;
    memcpy(&n, *at, sizeof n);
    gguf_text t = {(const char *)*at + sizeof n, (size_t)n};
    *at += sizeof n + (size_t)n;
    return t;
}

status gguf_get_text(const gguf *g, const char *key, gguf_text *out)
{
    const entry *e = NULL;
    status st = want(g, key, false, is_text, "a text", &e);
    if (st == OK) {
        const unsigned char *at = e->at;
        *out = text_at(&at);
    }
    return st;
}

status gguf_get_texts(const gguf *g, const char *key, gguf_text **out, size_t *n)
{
    const entry *e = NULL;
    status st;
    TRY(want(g, key, true, is_text, "texts", &e));
    gguf_text *texts = checked_calloc((size_t)e->n, sizeof *texts);
    if (!texts)
        return status_no_memory(key);
    const unsigned char *at = e->at;
    for (uint64_t i = 0; i < e->n; i++)
        texts[i] = text_at(&at);
    *out = texts;
    *n = (size_t)e->n;
done:
    return st;
}

status gguf_get_ints(const gguf *g, const char *key, int64_t **out, size_t *n)
{
    const entry *e = NULL;
    status st;
    TRY(want(g, key, true, is_int_or_bool, "integers", &e));
    int64_t *values = checked_calloc((size_t)e->n, sizeof *values);
    if (!values)
        return status_no_memory(key);
    for (uint64_t i = 0; i < e->n && st == OK; i++)
        if (!int_at(e->item, e->at + i * gguf_table_value_bytes[e->item], &values[i]))
            st = status_fail(ERR_INPUT, g->path, "key %s: item %llu does not fit 63 bits", key,
                             (unsigned long long)i);
    if (st != OK) {
        free(values);
        return st;
    }
    *out = values;
    *n = (size_t)e->n;
done:
    return st;
}

status gguf_get_reals(const gguf *g, const char *key, float **out, size_t *n)
{
    const entry *e = NULL;
    status st;
    TRY(want(g, key, true, is_real, "real numbers", &e));
    float *values = checked_calloc((size_t)e->n, sizeof *values);
    if (!values)
        return status_no_memory(key);
    for (uint64_t i = 0; i < e->n; i++)
        values[i] = (float)real_at(e->item, e->at + i * gguf_table_value_bytes[e->item]);
    *out = values;
    *n = (size_t)e->n;
done:
    return st;
}

void gguf_describe(const gguf *g, size_t i, char *line, size_t size)
{
    const entry *e = &g->entries[i];
    const unsigned char *at = e->at;
    int64_t whole;
    const char *kind = is_text(e->item)   ? "texts"
                       : is_real(e->item) ? "reals"
                       : is_bool(e->item) ? "booleans"
                                          : "integers";
    if (e->type == ARRAY) {
        snprintf(line, size, "%s[%llu]", kind, (unsigned long long)e->n);
    } else if (is_text(e->type)) {
        gguf_text t = text_at(&at);
        snprintf(line, size, "%.*s", (int)(t.length < 200 ? t.length : 200), t.bytes);
    } else if (is_real(e->type)) {
        snprintf(line, size, "%.9g", real_at(e->type, at));
    } else if (is_bool(e->type)) {
        snprintf(line, size, "%s", at[0] ? "true" : "false");
    } else if (int_at(e->type, at, &whole)) {
        snprintf(line, size, "%lld", (long long)whole);
    } else {
        snprintf(line, size, "%llu", (unsigned long long)whole);
    }
}
