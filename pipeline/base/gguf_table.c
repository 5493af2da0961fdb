// SPDX-License-Identifier: Apache-2.0
// Keys and tensors are found by binary search in indices that are sorted when the file is opened: a
// vocabulary's file has hundreds of keys, a large model's a thousand tensors.
#include "pipeline/base/gguf_table.h"

#include <stdlib.h>
#include <string.h>

#include "pipeline/base/checked.h"

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

const uint8_t gguf_table_value_bytes[VALUE_TYPES] = {1, 1, 2, 2, 4, 4, 4, 1, 0, 0, 8, 8, 8};

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

status gguf_table_index_keys(gguf *g)
{
    return index_texts(g, g->n_entries, by_key, key_at, &g->by_key);
}

status gguf_table_index_tensors(gguf *g)
{
    return index_texts(g, g->n_tensors, by_name, name_at, &g->by_name);
}

static int64_t find_text(const uint32_t *order, size_t n, const gguf *g, const char *name,
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

const entry *gguf_table_entry(const gguf *g, const char *key)
{
    int64_t i = find_text(g->by_key, g->n_entries, g, key, key_at);
    return i < 0 ? NULL : &g->entries[i];
}

bool gguf_has(const gguf *g, const char *key)
{
    return gguf_table_entry(g, key) != NULL;
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
    int64_t i = find_text(g->by_name, g->n_tensors, g, name, name_at);
    return i < 0 ? NULL : &g->tensors[i];
}
