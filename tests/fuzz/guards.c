// SPDX-License-Identifier: Apache-2.0
// Memory whose ends the address sanitizer does not know by itself: a mapped file ends somewhere in
// its last page, and an arena's pieces lie side by side. Here a file is a block of its own size, and
// behind each piece of an arena are bytes that nobody may touch. The linker puts these functions in
// the place of the product's (--wrap).
#include <sanitizer/asan_interface.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/base/arena.h"
#include "pipeline/base/file.h"

enum { GAP = 32 }; // behind a piece

status __real_file_map(const char *path, mapping *out);
void __real_file_unmap(mapping *m);
void *__real_arena_alloc(arena *a, size_t n, size_t size);

status __wrap_file_map(const char *path, mapping *out);
void __wrap_file_unmap(mapping *m);
void __wrap_file_drop_pages(const void *from, size_t n);
void *__wrap_arena_alloc(arena *a, size_t n, size_t size);
char *__wrap_arena_text(arena *a, const char *bytes, size_t n);

status __wrap_file_map(const char *path, mapping *out)
{
    status st = __real_file_map(path, out);
    if (st != OK || out->size == 0)
        return st;
    mapping real = *out;
    unsigned char *copy = malloc(real.size);
    memcpy(copy, real.bytes, real.size);
    out->bytes = copy;
    __real_file_unmap(&real);
    return OK;
}

void __wrap_file_unmap(mapping *m)
{
    if (m->size > 0)
        free((void *)(uintptr_t)m->bytes);
    *m = (mapping){(const unsigned char *)"", 0};
}

void __wrap_file_drop_pages(const void *from, size_t n)
{
    (void)from, (void)n;
}

void *__wrap_arena_alloc(arena *a, size_t n, size_t size)
{
    size_t bytes;
    if (__builtin_mul_overflow(n, size, &bytes) || bytes > SIZE_MAX / 2)
        return __real_arena_alloc(a, n, size);
    char *out = __real_arena_alloc(a, bytes + GAP, 1);
    if (out)
        ASAN_POISON_MEMORY_REGION(out + bytes, GAP);
    return out;
}

char *__wrap_arena_text(arena *a, const char *bytes, size_t n)
{
    char *out = __wrap_arena_alloc(a, n + 1, 1);
    if (out && n > 0)
        memcpy(out, bytes, n);
    return out;
}
