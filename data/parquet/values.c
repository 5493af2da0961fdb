// SPDX-License-Identifier: Apache-2.0
// Bytes are handed out where they lie in the page; only values that share a prefix with the one
// before are put together, in one buffer that never outgrows the page.
#include "data/parquet/values.h"

#include <stdlib.h>
#include <string.h>

#include "data/parquet/page.h"
#include "pipeline/base/checked.h"

static const char cut[] = "ends before its values do";
static const char broken[] = "has lengths that do not fit it";

static uint32_t little_4(const uint8_t *b)
{
    return (uint32_t)b[0] | (uint32_t)b[1] << 8 | (uint32_t)b[2] << 16 | (uint32_t)b[3] << 24;
}

static uint64_t little_8(const uint8_t *b)
{
    return little_4(b) | (uint64_t)little_4(b + 4) << 32;
}

const char *values_refuse(const schema_column *c)
{
    if (c->type == SCHEMA_INT96)
        return "INT96";
    return c->type == SCHEMA_FIXED ? "FIXED_LEN_BYTE_ARRAY" : NULL;
}

static bool is_dictionary(int encoding)
{
    return encoding == ENCODING_DICTIONARY || encoding == ENCODING_PLAIN_DICTIONARY;
}

// The integer of a column, from as many bits as its type has.
static const char *make_integer(const schema_column *c, uint64_t bits, parquet_value *out)
{
    *out = (parquet_value){.kind = PARQUET_INTEGER, .integer = (int64_t)bits};
    if (c->type == SCHEMA_INT32)
        out->integer = c->is_unsigned ? (int64_t)(uint32_t)bits : (int32_t)(uint32_t)bits;
    else if (c->is_unsigned && bits > INT64_MAX)
        return "holds an integer beyond 63 bits, which is not supported";
    return NULL;
}

// --- Opening

static const char *open_indices(values *v)
{
    if (v->at == v->end) // a page of nulls
        return NULL;
    int width = *v->at++;
    bool well = runs_open(&v->indices, v->at, (size_t)(v->end - v->at), width);
    return well ? NULL : "has indices of an unknown width";
}

static const char *open_truths(values *v)
{
    size_t left = (size_t)(v->end - v->at);
    uint32_t n = left >= 4 ? little_4(v->at) : 0;
    if (left > 0 && (left < 4 || n > left - 4))
        return cut;
    runs_open(&v->indices, v->at + (left ? 4 : 0), n, 1);
    return NULL;
}

// Opens numbers that are `at` and moves behind them.
static const char *open_deltas(values *v, deltas *d)
{
    if (v->at == v->end) { // a page of nulls
        *d = (deltas){0};
        return NULL;
    }
    const uint8_t *end = deltas_open(d, v->at, (size_t)(v->end - v->at)) ? deltas_end(d) : NULL;
    v->at = end ? end : v->at;
    return end ? NULL : "has lengths or differences that are broken";
}

const char *values_open(values *v, const schema_column *c, int encoding, const dictionary *words,
                        const uint8_t *bytes, size_t n)
{
    const char *problem = NULL;
    const bool is_bytes = c->type == SCHEMA_BYTES;
    *v = (values){.column = c,
                  .encoding = encoding,
                  .words = words,
                  .at = bytes,
                  .end = bytes + n,
                  .last = v->last};
    v->last.length = 0;
    if (is_dictionary(encoding))
        return open_indices(v);
    if (encoding == ENCODING_RLE && c->type == SCHEMA_BOOLEAN)
        return open_truths(v);
    if (encoding == ENCODING_DELTA && (c->type == SCHEMA_INT32 || c->type == SCHEMA_INT64))
        return open_deltas(v, &v->lengths);
    if (encoding == ENCODING_DELTA_BYTES && is_bytes)
        problem = open_deltas(v, &v->prefixes);
    if (!problem && (encoding == ENCODING_DELTA_BYTES || encoding == ENCODING_DELTA_LENGTH) &&
        is_bytes)
        return open_deltas(v, &v->lengths);
    if (!problem && encoding != ENCODING_PLAIN)
        problem = encoding == 9 ? "is encoded as BYTE_STREAM_SPLIT, which is not supported"
                                : "has an encoding that is not supported for its type";
    return problem;
}

void values_free(values *v)
{
    text_free(&v->last);
    *v = (values){0};
}

// --- Reading

static const char *take_bytes(values *v, uint64_t n, parquet_value *out)
{
    if (n > (size_t)(v->end - v->at))
        return cut;
    *out = (parquet_value){.kind = PARQUET_BYTES, .n = (uint32_t)n, .bytes = (const char *)v->at};
    v->at += n;
    return NULL;
}

static const char *next_plain(values *v, parquet_value *out)
{
    size_t left = (size_t)(v->end - v->at);
    const uint8_t *at = v->at;
    uint32_t bits;
    uint64_t wide;
    float real;
    switch (v->column->type) {
    case SCHEMA_BOOLEAN:
        if (v->bit / 8 >= left)
            return cut;
        *out = (parquet_value){.kind = PARQUET_TRUTH, .integer = at[v->bit / 8] >> v->bit % 8 & 1};
        v->bit++;
        return NULL;
    case SCHEMA_INT32:
    case SCHEMA_FLOAT:
        if (left < 4)
            return cut;
        v->at += 4;
        if (v->column->type == SCHEMA_INT32)
            return make_integer(v->column, little_4(at), out);
        bits = little_4(at);
        memcpy(&real, &bits, sizeof real);
        *out = (parquet_value){.kind = PARQUET_REAL, .real = (double)real};
        return NULL;
    case SCHEMA_INT64:
    case SCHEMA_DOUBLE:
        if (left < 8)
            return cut;
        v->at += 8;
        if (v->column->type == SCHEMA_INT64)
            return make_integer(v->column, little_8(at), out);
        *out = (parquet_value){.kind = PARQUET_REAL};
        wide = little_8(at);
        memcpy(&out->real, &wide, sizeof out->real);
        return NULL;
    case SCHEMA_BYTES:
        if (left < 4)
            return cut;
        v->at += 4;
        return take_bytes(v, little_4(at), out);
    default:
        return "has values of a type that is not supported";
    }
}

// The suffix of what is left, behind the beginning of the value before.
static const char *next_prefixed(values *v, parquet_value *out)
{
    int64_t prefix, n;
    parquet_value suffix;
    if (!deltas_next(&v->prefixes, &prefix) || !deltas_next(&v->lengths, &n))
        return cut;
    if (prefix < 0 || (uint64_t)prefix > v->last.length || n < 0)
        return broken;
    const char *problem = take_bytes(v, (uint64_t)n, &suffix);
    if (problem)
        return problem;
    v->last.length = (size_t)prefix;
    text_add_bytes(&v->last, suffix.bytes, suffix.n);
    if (v->last.failed)
        return "found no memory to unpack it";
    *out = (parquet_value){
        .kind = PARQUET_BYTES, .n = (uint32_t)v->last.length, .bytes = text_get(&v->last)};
    return NULL;
}

static const char *next_indexed(values *v, parquet_value *out)
{
    uint32_t index;
    if (!runs_next(&v->indices, &index))
        return cut;
    if (v->encoding == ENCODING_RLE) {
        *out = (parquet_value){.kind = PARQUET_TRUTH, .integer = index};
        return NULL;
    }
    if (index >= v->words->n)
        return "names a value that its dictionary does not have";
    *out = v->words->at[index];
    return NULL;
}

const char *values_next(values *v, parquet_value *out)
{
    int64_t number;
    switch (v->encoding) {
    case ENCODING_PLAIN:
        return next_plain(v, out);
    case ENCODING_DELTA:
        if (!deltas_next(&v->lengths, &number))
            return cut;
        return make_integer(v->column, (uint64_t)number, out);
    case ENCODING_DELTA_LENGTH:
        if (!deltas_next(&v->lengths, &number))
            return cut;
        return number < 0 ? broken : take_bytes(v, (uint64_t)number, out);
    case ENCODING_DELTA_BYTES:
        return next_prefixed(v, out);
    default:
        return next_indexed(v, out);
    }
}

// --- Dictionaries

const char *dictionary_read(dictionary *d, const schema_column *c, int64_t entries,
                            const uint8_t *bytes, size_t n)
{
    values v = {0};
    dictionary_free(d);
    if (c->type == SCHEMA_BOOLEAN || entries < 0 || (uint64_t)entries > n / 4)
        return entries == 0 ? NULL : "has more entries than its bytes can hold";
    const char *problem = values_open(&v, c, ENCODING_PLAIN, NULL, bytes, n);
    if (!(d->at = checked_calloc((size_t)entries, sizeof *d->at)))
        return "found no memory for its entries";
    for (; !problem && d->n < (size_t)entries; d->n++)
        problem = values_next(&v, &d->at[d->n]);
    return problem;
}

void dictionary_free(dictionary *d)
{
    free(d->at);
    *d = (dictionary){0};
}
