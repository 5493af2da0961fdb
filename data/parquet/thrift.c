// SPDX-License-Identifier: Apache-2.0
// Every read looks at what is left first; the depth of what is skipped is bounded, for a skipped
// struct may hold another one in each of its bytes.
#include "data/parquet/thrift.h"

enum {
    TYPE_TRUE = 1,
    TYPE_FALSE,
    TYPE_BYTE,
    TYPE_I16,
    TYPE_I32,
    TYPE_I64,
    TYPE_DOUBLE,
    TYPE_BINARY,
    TYPE_LIST,
    TYPE_SET,
    TYPE_MAP,
    TYPE_STRUCT
};

enum { DEPTH_MAX = 32, DOUBLE_BYTES = 8 };

static size_t bytes_left(const thrift *t)
{
    return t->bad ? 0 : (size_t)(t->end - t->at);
}

static uint8_t read_byte(thrift *t)
{
    if (bytes_left(t) > 0)
        return *t->at++;
    t->bad = true;
    return 0;
}

static uint64_t read_varint(thrift *t)
{
    uint64_t value = 0;
    for (int shift = 0; shift < 64; shift += 7) {
        uint8_t byte = read_byte(t);
        value |= (uint64_t)(byte & 127) << shift;
        if (byte < 128)
            return value;
    }
    t->bad = true;
    return 0;
}

static int64_t read_zigzag(thrift *t)
{
    uint64_t value = read_varint(t);
    return (int64_t)(value >> 1 ^ (0 - (value & 1)));
}

bool thrift_next(thrift *t, thrift_field *f)
{
    uint8_t head = read_byte(t);
    if (head == 0)
        return false;
    f->type = head & 15;
    int64_t id = head >> 4 ? f->id + (head >> 4) : read_zigzag(t);
    if (id < 0 || id > INT16_MAX)
        t->bad = true;
    f->id = t->bad ? 0 : (int)id;
    return !t->bad;
}

int64_t thrift_integer(thrift *t, const thrift_field *f)
{
    if (f->type == TYPE_BYTE)
        return (int8_t)read_byte(t);
    if (f->type >= TYPE_I16 && f->type <= TYPE_I64)
        return read_zigzag(t);
    t->bad = true;
    return 0;
}

int64_t thrift_count(thrift *t, const thrift_field *f, int64_t most)
{
    int64_t value = thrift_integer(t, f);
    if (value < 0 || value > most)
        t->bad = true;
    return t->bad ? 0 : value;
}

bool thrift_boolean(thrift *t, const thrift_field *f)
{
    if (f->type != TYPE_TRUE && f->type != TYPE_FALSE)
        t->bad = true;
    return f->type == TYPE_TRUE;
}

const char *thrift_string(thrift *t, const thrift_field *f, size_t *n)
{
    uint64_t length = f->type == TYPE_BINARY ? read_varint(t) : UINT64_MAX;
    *n = 0;
    if (length > bytes_left(t))
        t->bad = true;
    if (t->bad)
        return "";
    const char *bytes = (const char *)t->at;
    *n = (size_t)length;
    t->at += length;
    return bytes;
}

bool thrift_struct(thrift *t, const thrift_field *f)
{
    if (f->type != TYPE_STRUCT)
        t->bad = true;
    return !t->bad;
}

size_t thrift_list(thrift *t, const thrift_field *f, thrift_field *element)
{
    uint8_t head = f->type == TYPE_LIST || f->type == TYPE_SET ? read_byte(t) : 0;
    uint64_t n = head >> 4 == 15 ? read_varint(t) : head >> 4;
    *element = (thrift_field){.type = head & 15};
    if (n > bytes_left(t) || (n > 0 && element->type == 0)) // each takes a byte at least
        t->bad = true;
    return t->bad ? 0 : (size_t)n;
}

// A boolean of a list takes a byte; as a field it lies in its type.
static void skip_value(thrift *t, int type, bool listed, int depth);

static void skip_list(thrift *t, int type, int depth)
{
    thrift_field list = {.type = type}, element;
    size_t n = thrift_list(t, &list, &element);
    for (size_t i = 0; i < n && !t->bad; i++)
        skip_value(t, element.type, true, depth);
}

static void skip_map(thrift *t, int depth)
{
    uint64_t n = read_varint(t);
    int types = n > 0 ? read_byte(t) : 0;
    for (uint64_t i = 0; i < n && !t->bad; i++) {
        skip_value(t, types >> 4, true, depth);
        skip_value(t, types & 15, true, depth);
    }
}

static void skip_struct(thrift *t, int depth)
{
    for (thrift_field f = {0}; thrift_next(t, &f);)
        skip_value(t, f.type, false, depth);
}

static void skip_value(thrift *t, int type, bool listed, int depth)
{
    size_t n;
    if (depth == DEPTH_MAX)
        t->bad = true;
    switch (t->bad ? 0 : type) {
    case TYPE_TRUE:
    case TYPE_FALSE:
        if (listed)
            read_byte(t);
        break;
    case TYPE_BYTE:
        read_byte(t);
        break;
    case TYPE_I16:
    case TYPE_I32:
    case TYPE_I64:
        read_varint(t);
        break;
    case TYPE_DOUBLE:
        if (bytes_left(t) < DOUBLE_BYTES)
            t->bad = true;
        else
            t->at += DOUBLE_BYTES;
        break;
    case TYPE_BINARY:
        thrift_string(t, &(thrift_field){.type = type}, &n);
        break;
    case TYPE_LIST:
    case TYPE_SET:
        skip_list(t, type, depth + 1);
        break;
    case TYPE_MAP:
        skip_map(t, depth + 1);
        break;
    case TYPE_STRUCT:
        skip_struct(t, depth + 1);
        break;
    default:
        t->bad = true;
    }
}

void thrift_skip(thrift *t, const thrift_field *f)
{
    skip_value(t, f->type, false, 0);
}
