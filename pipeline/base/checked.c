// SPDX-License-Identifier: Apache-2.0
// Zeroed memory everywhere: what a struct's designated initialiser would leave out is zero here
// too. Only large buffers that are written in full anyway are not.
#include "pipeline/base/checked.h"

#include <stdlib.h>
#include <string.h>

void *checked_calloc(size_t n, size_t size)
{
    return calloc(n ? n : 1, size);
}

void *checked_aligned(size_t n, size_t size)
{
    size_t bytes;
    if (!checked_mul(n, size, &bytes) || !checked_add(bytes, 63, &bytes))
        return NULL;
    return aligned_alloc(64, bytes < 64 ? 64 : bytes / 64 * 64);
}

bool checked_grow(void *array_pointer, size_t *capacity, size_t need, size_t size)
{
    void *old, *grown;
    size_t wanted = *capacity ? *capacity : 16, bytes;
    if (need <= *capacity)
        return true;
    while (wanted < need)
        if (!checked_mul(wanted, 2, &wanted))
            return false;
    if (!checked_mul(wanted, size, &bytes))
        return false;
    memcpy(&old, array_pointer, sizeof old); // any pointer type, without aliasing it as void *
    grown = realloc(old, bytes);
    if (!grown)
        return false;
    memcpy(array_pointer, &grown, sizeof grown);
    *capacity = wanted;
    return true;
}
