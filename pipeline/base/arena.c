// SPDX-License-Identifier: Apache-2.0
// Blocks are never grown or moved, so that what was handed out stays where it is until all is
// freed.
#include "pipeline/base/arena.h"

#include <stdalign.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/base/checked.h"

struct arena_block {
    struct arena_block *next;
    size_t size;
    alignas(max_align_t) char at[];
};

enum { BLOCK = 64 << 10 };

void *arena_alloc(arena *a, size_t n, size_t size)
{
    size_t bytes, block_bytes;
    if (!checked_mul(n, size, &bytes) || !checked_add(bytes, alignof(max_align_t), &bytes))
        return NULL;
    bytes = bytes / alignof(max_align_t) * alignof(max_align_t);
    if (!a->blocks || a->blocks->size - a->used < bytes) {
        size_t wanted = bytes > BLOCK ? bytes : BLOCK;
        if (!checked_add(wanted, sizeof(struct arena_block), &block_bytes))
            return NULL;
        struct arena_block *block = calloc(1, block_bytes);
        if (!block)
            return NULL;
        *block = (struct arena_block){.next = a->blocks, .size = wanted};
        a->blocks = block;
        a->used = 0;
    }
    void *out = a->blocks->at + a->used;
    a->used += bytes;
    return out;
}

char *arena_text(arena *a, const char *bytes, size_t n)
{
    size_t need;
    char *out = checked_add(n, 1, &need) ? arena_alloc(a, need, 1) : NULL;
    if (out && n > 0)
        memcpy(out, bytes, n);
    return out;
}

char *arena_format(arena *a, const char *format, ...)
{
    va_list args, again;
    va_start(args, format);
    va_copy(again, args);
    int n = vsnprintf(NULL, 0, format, args);
    char *out = n < 0 ? NULL : arena_alloc(a, (size_t)n + 1, 1);
    if (out)
        vsnprintf(out, (size_t)n + 1, format, again);
    va_end(again);
    va_end(args);
    return out;
}

void arena_free(arena *a)
{
    for (struct arena_block *block = a->blocks, *next; block; block = next) {
        next = block->next;
        free(block);
    }
    *a = (arena){0};
}
