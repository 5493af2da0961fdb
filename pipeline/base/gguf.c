// SPDX-License-Identifier: Apache-2.0
#include "pipeline/base/gguf_table.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/base/checked.h"
#include "pipeline/base/file.h"
#include "pipeline/base/map_guard.h"

const uint8_t gguf_value_bytes[VALUE_TYPES] = {1, 1, 2, 2, 4, 4, 4, 1, 0, 0, 8, 8, 8};

// Reading position; every read is checked against the end.
typedef struct cursor {
    const gguf *g;
    size_t at;
} cursor;

static const struct {
    uint32_t type;
    const char *name;
    uint16_t items, bytes;
} tensor_types[] = {
    {0, "F32", 1, 4},       {1, "F16", 1, 2},       {2, "Q4_0", 32, 18},    {3, "Q4_1", 32, 20},
    {6, "Q5_0", 32, 22},    {7, "Q5_1", 32, 24},    {8, "Q8_0", 32, 34},    {9, "Q8_1", 32, 36},
    {10, "Q2_K", 256, 84},  {11, "Q3_K", 256, 110}, {12, "Q4_K", 256, 144}, {13, "Q5_K", 256, 176},
    {14, "Q6_K", 256, 210}, {15, "Q8_K", 256, 292}, {24, "I8", 1, 1},       {25, "I16", 1, 2},
    {26, "I32", 1, 4},      {27, "I64", 1, 8},      {28, "F64", 1, 8},      {30, "BF16", 1, 2},
};
enum { TENSOR_TYPES = sizeof tensor_types / sizeof *tensor_types };

const char *gguf_type_name(uint32_t type)
{
    for (int i = 0; i < TENSOR_TYPES; i++)
        if (tensor_types[i].type == type)
            return tensor_types[i].name;
    return NULL;
}

bool gguf_type_block(uint32_t type, size_t *items, size_t *bytes)
{
    for (int i = 0; i < TENSOR_TYPES; i++)
        if (tensor_types[i].type == type) {
            *items = tensor_types[i].items;
            *bytes = tensor_types[i].bytes;
            return true;
        }
    return false;
}

static size_t left(const cursor *c)
{
    return c->g->file.size - c->at;
}

static status cut(const cursor *c)
{
    return status_fail(ERR_INPUT, c->g->path, "ends inside its header at byte %zu; fetch it again",
                       c->at);
}

static status read_bytes(cursor *c, void *out, size_t n)
{
    if (n > left(c))
        return cut(c);
    memcpy(out, c->g->file.bytes + c->at, n);
    c->at += n;
    return OK;
}

static status read_text(cursor *c, gguf_text *out)
{
    uint64_t n = 0;
    status st = read_bytes(c, &n, sizeof n);
    if (st != OK)
        return st;
    if (n > left(c))
        return status_fail(ERR_INPUT, c->g->path,
                           "a text of %llu bytes at byte %zu runs past the end of the file",
                           (unsigned long long)n, c->at);
    *out = (gguf_text){(const char *)c->g->file.bytes + c->at, (size_t)n};
    c->at += (size_t)n;
    return OK;
}

// Steps over n items of a scalar or text type.
static status skip_items(cursor *c, enum value_type type, uint64_t n, gguf_text key)
{
    status st = OK;
    if (type == TEXT) {
        gguf_text ignored;
        if (n > left(c) / 8) // each has at least its length
            return status_fail(ERR_INPUT, c->g->path, "key %.*s: %llu texts do not fit in the file",
                               (int)key.length, key.bytes, (unsigned long long)n);
        for (uint64_t i = 0; i < n && st == OK; i++)
            st = read_text(c, &ignored);
        return st;
    }
    if (n > left(c) / gguf_value_bytes[type])
        return status_fail(ERR_INPUT, c->g->path, "key %.*s: %llu values do not fit in the file",
                           (int)key.length, key.bytes, (unsigned long long)n);
    c->at += (size_t)n * gguf_value_bytes[type];
    return OK;
}

static status read_entry(cursor *c, entry *e)
{
    status st;
    uint32_t type = 0, item;
    TRY(read_text(c, &e->key));
    if (e->key.length == 0 || e->key.length > 65535) {
        st = status_fail(ERR_INPUT, c->g->path, "a key of %zu bytes at byte %zu", e->key.length,
                         c->at);
        goto done;
    }
    TRY(read_bytes(c, &type, sizeof type));
    e->n = 1;
    item = type;
    if (type == ARRAY) {
        TRY(read_bytes(c, &item, sizeof item));
        TRY(read_bytes(c, &e->n, sizeof e->n));
    }
    if (type >= VALUE_TYPES || item >= VALUE_TYPES || item == ARRAY) {
        st = status_fail(ERR_INPUT, c->g->path, "key %.*s: unknown value type %u",
                         (int)e->key.length, e->key.bytes, type >= VALUE_TYPES ? type : item);
        goto done;
    }
    e->type = type;
    e->item = item;
    e->at = c->g->file.bytes + c->at;
    TRY(skip_items(c, item, e->n, e->key));
done:
    return st;
}

// Everything of a tensor but its place in the data.
static status read_tensor(cursor *c, gguf_tensor *t, uint64_t *offset)
{
    status st;
    uint32_t dims = 0;
    size_t block_items, block_bytes, items = 1;
    TRY(read_text(c, &t->name));
    int name_length = (int)(t->name.length < 64 ? t->name.length : 64);
    TRY(read_bytes(c, &dims, sizeof dims));
    if (t->name.length == 0 || t->name.length > 64 || dims < 1 || dims > 4) {
        st = status_fail(ERR_INPUT, c->g->path,
                         "tensor %.*s: a name of %zu bytes and %u dimensions; 1 to 64 and 1 to 4 "
                         "are allowed",
                         name_length, t->name.bytes, t->name.length, dims);
        goto done;
    }
    t->dims = (int)dims;
    for (int d = 0; d < 4; d++) {
        t->shape[d] = 1;
        if (d < t->dims)
            TRY(read_bytes(c, &t->shape[d], sizeof t->shape[d]));
        if (t->shape[d] == 0 || !checked_mul(items, t->shape[d], &items)) {
            st = status_fail(ERR_INPUT, c->g->path, "tensor %.*s: dimension %d is %llu",
                             name_length, t->name.bytes, d, (unsigned long long)t->shape[d]);
            goto done;
        }
    }
    t->items = items;
    TRY(read_bytes(c, &t->type, sizeof t->type));
    TRY(read_bytes(c, offset, sizeof *offset));
    if (!gguf_type_block(t->type, &block_items, &block_bytes)) {
        st = status_fail(ERR_INPUT, c->g->path, "tensor %.*s: type %u is not supported",
                         name_length, t->name.bytes, t->type);
        goto done;
    }
    if (t->shape[0] % block_items != 0)
        st = status_fail(
            ERR_INPUT, c->g->path, "tensor %.*s: rows of %llu values do not hold whole %s blocks",
            name_length, t->name.bytes, (unsigned long long)t->shape[0], gguf_type_name(t->type));
    else if (!checked_mul(items / block_items, block_bytes, &t->bytes))
        st = status_fail(ERR_INPUT, c->g->path, "tensor %.*s: its dimensions are too large",
                         name_length, t->name.bytes);
done:
    return st;
}

static int compare_text(gguf_text a, gguf_text b)
{
    int order = memcmp(a.bytes, b.bytes, a.length < b.length ? a.length : b.length);
    return order ? order : (a.length > b.length) - (a.length < b.length);
}

static int by_key(const void *a, const void *b, void *g)
{
    const entry *e = ((const gguf *)g)->entries;
    return compare_text(e[*(const uint32_t *)a].key, e[*(const uint32_t *)b].key);
}

static int by_name(const void *a, const void *b, void *g)
{
    const gguf_tensor *t = ((const gguf *)g)->tensors;
    return compare_text(t[*(const uint32_t *)a].name, t[*(const uint32_t *)b].name);
}

static gguf_text key_at(const gguf *g, size_t i)
{
    return g->entries[i].key;
}

static gguf_text name_at(const gguf *g, size_t i)
{
    return g->tensors[i].name;
}

// Sorts n indices by text and refuses duplicates.
static status index_texts(gguf *g, size_t n, int compare(const void *, const void *, void *),
                          gguf_text text_at(const gguf *, size_t), uint32_t **out)
{
    uint32_t *order = checked_calloc(n, sizeof *order);
    if (!order)
        return status_no_memory(g->path);
    *out = order;
    for (size_t i = 0; i < n; i++)
        order[i] = (uint32_t)i;
    qsort_r(order, n, sizeof *order, compare, g);
    for (size_t i = 1; i < n; i++)
        if (compare(&order[i - 1], &order[i], g) == 0) {
            gguf_text t = text_at(g, order[i]);
            return status_fail(ERR_INPUT, g->path, "%.*s stands twice", (int)t.length, t.bytes);
        }
    return OK;
}

static int64_t find(const uint32_t *order, size_t n, const gguf *g, const char *name,
                    gguf_text text_at(const gguf *, size_t))
{
    gguf_text wanted = {name, strlen(name)};
    size_t low = 0, high = n;
    while (low < high) {
        size_t middle = (low + high) / 2;
        int c = compare_text(text_at(g, order[middle]), wanted);
        if (c == 0)
            return order[middle];
        if (c < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return -1;
}

const entry *gguf_find_entry(const gguf *g, const char *key)
{
    int64_t i = find(g->by_key, g->n_entries, g, key, key_at);
    return i < 0 ? NULL : &g->entries[i];
}

bool gguf_has(const gguf *g, const char *key)
{
    return gguf_find_entry(g, key) != NULL;
}

// Places each tensor; they follow one another, each padded to the alignment.
static status place_tensors(gguf *g, size_t header_end, const uint64_t *offsets)
{
    status st;
    int64_t alignment = 32;
    size_t start, expected = 0;
    if (gguf_has(g, "general.alignment"))
        TRY(gguf_get_int(g, "general.alignment", &alignment));
    if (alignment < 1 || alignment > 1 << 20 || (alignment & (alignment - 1)) != 0)
        return status_fail(ERR_INPUT, g->path, "general.alignment is %lld, not a power of two",
                           (long long)alignment);
    size_t mask = (size_t)alignment - 1;
    start = (header_end + mask) & ~mask;
    st = OK;
    for (size_t i = 0; i < g->n_tensors; i++) {
        gguf_tensor *t = &g->tensors[i];
        if (offsets[i] != expected)
            return status_fail(ERR_INPUT, g->path, "tensor %.*s begins at %llu; expected %zu",
                               (int)t->name.length, t->name.bytes, (unsigned long long)offsets[i],
                               expected);
        if (start > g->file.size || expected > g->file.size - start ||
            t->bytes > g->file.size - start - expected)
            return status_fail(ERR_INPUT, g->path,
                               "tensor %.*s needs %zu bytes beyond the end; the file is cut: "
                               "fetch it again",
                               (int)t->name.length, t->name.bytes, t->bytes);
        t->data = g->file.bytes + start + expected;
        expected = (expected + t->bytes + mask) & ~mask; // below file size + alignment: no wrap
    }
done:
    return st;
}

static status read_header(gguf *g, cursor *c, uint64_t *n_tensors, uint64_t *n_entries)
{
    char magic[4];
    if (read_bytes(c, magic, 4) != OK || memcmp(magic, "GGUF", 4) != 0)
        return status_fail(ERR_INPUT, g->path, "is not a GGUF file");
    status st;
    TRY(read_bytes(c, &g->version, sizeof g->version));
    if (g->version != 2 && g->version != 3) {
        bool swapped = g->version == 0x02000000 || g->version == 0x03000000;
        return status_fail(ERR_INPUT, g->path,
                           swapped ? "is big-endian; convert it to little-endian"
                                   : "has GGUF version %u; 2 and 3 are supported",
                           g->version);
    }
    TRY(read_bytes(c, n_tensors, sizeof *n_tensors));
    TRY(read_bytes(c, n_entries, sizeof *n_entries));
    // The least bytes one of each takes bound how many there can be.
    if (*n_entries > left(c) / 13 || *n_tensors > left(c) / 32 || *n_entries > UINT32_MAX ||
        *n_tensors > UINT32_MAX)
        st = status_fail(ERR_INPUT, g->path,
                         "says it has %llu keys and %llu tensors; it is too short",
                         (unsigned long long)*n_entries, (unsigned long long)*n_tensors);
done:
    return st;
}

status gguf_open(const char *path, gguf **out)
{
    status st;
    uint64_t *offsets = NULL, n_tensors = 0, n_entries = 0;
    gguf *g = checked_calloc(1, sizeof *g);
    if (!g || !(g->path = strdup(path))) {
        free(g);
        return status_no_memory(path);
    }
    TRY(file_map(path, &g->file));
    map_guard_add(g->file.bytes, g->file.size);
    TRY(file_stamp_take(path, &g->seen));
    cursor c = {g, 0};
    TRY(read_header(g, &c, &n_tensors, &n_entries));
    g->entries = checked_calloc((size_t)n_entries, sizeof *g->entries);
    g->tensors = checked_calloc((size_t)n_tensors, sizeof *g->tensors);
    offsets = checked_calloc((size_t)n_tensors, sizeof *offsets);
    if (!g->entries || !g->tensors || !offsets) {
        st = status_no_memory(path);
        goto done;
    }
    for (; g->n_entries < n_entries; g->n_entries++)
        TRY(read_entry(&c, &g->entries[g->n_entries]));
    TRY(index_texts(g, g->n_entries, by_key, key_at, &g->by_key));
    for (; g->n_tensors < n_tensors; g->n_tensors++)
        TRY(read_tensor(&c, &g->tensors[g->n_tensors], &offsets[g->n_tensors]));
    TRY(index_texts(g, g->n_tensors, by_name, name_at, &g->by_name));
    TRY(place_tensors(g, c.at, offsets));
    TRY(gguf_unchanged(g));
    *out = g;
    g = NULL;
done:
    free(offsets);
    gguf_close(g);
    return st;
}

void gguf_close(gguf *g)
{
    if (!g)
        return;
    map_guard_remove(g->file.bytes);
    file_unmap(&g->file);
    free(g->entries);
    free(g->tensors);
    free(g->by_key);
    free(g->by_name);
    free(g->path);
    free(g);
}

status gguf_unchanged(const gguf *g)
{
    status st = file_stamp_check(g->path, &g->seen);
    if (st == OK && g->seen.size != g->file.size)
        st = status_fail(ERR_INPUT, g->path, "changed while it was opened; try again");
    return st;
}

const char *gguf_path(const gguf *g)
{
    return g->path;
}

size_t gguf_tensors(const gguf *g)
{
    return g->n_tensors;
}

const gguf_tensor *gguf_tensor_at(const gguf *g, size_t i)
{
    return &g->tensors[i];
}

const gguf_tensor *gguf_find(const gguf *g, const char *name)
{
    int64_t i = find(g->by_name, g->n_tensors, g, name, name_at);
    return i < 0 ? NULL : &g->tensors[i];
}
