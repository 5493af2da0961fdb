// SPDX-License-Identifier: Apache-2.0
// The pieces lie in order, and the range of those that agree with the text is narrowed byte by byte:
// little memory, nothing to build but a sort, and no piece is looked at twice. The first byte, which
// tells most apart, has a table.
#include "data/tokenizer/prefix_index.h"

#include <stdlib.h>
#include <string.h>

#include "pipeline/base/checked.h"

typedef struct entry {
    const char *bytes; // borrowed
    size_t n;
    int32_t id;
} entry;

struct prefix_index {
    entry *entries;
    size_t n, capacity;
    size_t first[257]; // where each first byte's begin
};

status prefix_index_new(prefix_index **out)
{
    *out = checked_calloc(1, sizeof **out);
    return *out ? OK : status_no_memory("a vocabulary");
}

void prefix_index_free(prefix_index *x)
{
    if (x)
        free(x->entries);
    free(x);
}

status prefix_index_add(prefix_index *x, const char *bytes, size_t n, int32_t id)
{
    if (!checked_grow(&x->entries, &x->capacity, x->n + 1, sizeof *x->entries))
        return status_no_memory("a vocabulary");
    x->entries[x->n++] = (entry){bytes, n, id};
    return OK;
}

static int by_bytes(const void *x, const void *y)
{
    const entry *a = x, *b = y;
    int order = memcmp(a->bytes, b->bytes, a->n < b->n ? a->n : b->n);
    return order != 0 ? order : (a->n > b->n) - (a->n < b->n);
}

void prefix_index_ready(prefix_index *x)
{
    size_t at = 0;
    if (x->n > 0)
        qsort(x->entries, x->n, sizeof *x->entries, by_bytes);
    for (int byte = 0; byte <= 256; byte++) {
        x->first[byte] = at;
        while (at < x->n && (unsigned char)x->entries[at].bytes[0] == byte)
            at++;
    }
}

// The first of [low, high) whose byte at `depth` is `byte` or greater. None ends before it.
static size_t find_byte(const prefix_index *x, size_t low, size_t high, size_t depth, int byte)
{
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if ((unsigned char)x->entries[middle].bytes[depth] < byte)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

bool prefix_index_next(const prefix_index *x, prefix_walk *w, const char *bytes, size_t n,
                       size_t *length, int32_t *id)
{
    while (w->depth < n && (w->depth == 0 || w->low < w->high)) {
        const int byte = (unsigned char)bytes[w->depth];
        w->low = w->depth ? find_byte(x, w->low, w->high, w->depth, byte) : x->first[byte];
        w->high = w->depth ? find_byte(x, w->low, w->high, w->depth, byte + 1) : x->first[byte + 1];
        w->depth++;
        if (w->low < w->high && x->entries[w->low].n == w->depth) {
            *length = w->depth;
            *id = x->entries[w->low++].id; // the others are longer
            return true;
        }
    }
    return false;
}
