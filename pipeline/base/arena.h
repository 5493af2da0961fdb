// SPDX-License-Identifier: Apache-2.0
// Memory that is freed all at once: for trees of many small pieces that live and die together.
#ifndef PIPELINE_BASE_ARENA_H
#define PIPELINE_BASE_ARENA_H

#include <stddef.h>

// {0} is an empty arena.
typedef struct arena {
    struct arena_block *blocks; // owned, newest first
    size_t used;                // of the newest
} arena;

// Zeroed memory for n items of `size` bytes, aligned for any type; NULL when out of memory or when
// n × size wraps. n = 0 gives a valid pointer. Owned by the arena.
void *arena_alloc(arena *a, size_t n, size_t size);
// A copy of n bytes, terminated; NULL when out of memory. Owned by the arena.
char *arena_text(arena *a, const char *bytes, size_t n);
// A formatted string; NULL when out of memory. Owned by the arena.
char *arena_format(arena *a, const char *format, ...) __attribute__((format(printf, 2, 3)));
// Frees everything; the arena is empty again.
void arena_free(arena *a);

#endif
