// SPDX-License-Identifier: Apache-2.0
// Reads a GGUF file's header into the table. The file may be anything: every length is checked
// against what is left of it, and no count is believed beyond what its bytes can back.
#include "pipeline/base/gguf_table.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/base/checked.h"
#include "pipeline/base/file.h"

// Reading position; every read is checked against the end.
typedef struct cursor {
    const gguf *g;
    size_t at;
} cursor;

static size_t bytes_left(const cursor *c)
{
    return c->g->file.size - c->at;
}

static status fail_cut(const cursor *c)
{
    return status_fail(ERR_INPUT, c->g->path, "ends inside its header at byte %zu; fetch it again",
                       c->at);
}

static status read_bytes(cursor *c, void *out, size_t n)
{
    if (n > bytes_left(c))
        return fail_cut(c);
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
    if (n > bytes_left(c))
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
        if (n > bytes_left(c) / 8) // each has at least its length
            return status_fail(ERR_INPUT, c->g->path, "key %.*s: %llu texts do not fit in the file",
                               (int)key.length, key.bytes, (unsigned long long)n);
        for (uint64_t i = 0; i < n && st == OK; i++)
            st = read_text(c, &ignored);
        return st;
    }
    if (n > bytes_left(c) / gguf_table_value_bytes[type])
        return status_fail(ERR_INPUT, c->g->path, "key %.*s: %llu values do not fit in the file",
                           (int)key.length, key.bytes, (unsigned long long)n);
    c->at += (size_t)n * gguf_table_value_bytes[type];
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
    if (*n_entries > bytes_left(c) / 13 || *n_tensors > bytes_left(c) / 32 ||
        *n_entries > UINT32_MAX || *n_tensors > UINT32_MAX)
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
    TRY(gguf_table_index_keys(g));
    for (; g->n_tensors < n_tensors; g->n_tensors++)
        TRY(read_tensor(&c, &g->tensors[g->n_tensors], &offsets[g->n_tensors]));
    TRY(gguf_table_index_tensors(g));
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
