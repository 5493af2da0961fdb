// SPDX-License-Identifier: Apache-2.0
// Sizes that come from files, multiplied and added without wrapping. Every number read from a file
// that becomes a size or an offset goes through here.
#ifndef PIPELINE_BASE_CHECKED_H
#define PIPELINE_BASE_CHECKED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// *product = a × b, or false when it does not fit.
static inline bool checked_mul(size_t a, size_t b, size_t *product)
{
    return !__builtin_mul_overflow(a, b, product);
}

// *sum = a + b, or false when it does not fit.
static inline bool checked_add(size_t a, size_t b, size_t *sum)
{
    return !__builtin_add_overflow(a, b, sum);
}

// Zeroed memory for n items of `size` bytes; NULL when out of memory or when n × size wraps. n = 0
// gives a valid pointer. Owned by the caller, released with free.
void *checked_calloc(size_t n, size_t size);

// Memory for n items aligned to 64 bytes (a cache line, an AVX-512 register), not zeroed; NULL as
// above. free().
void *checked_aligned(size_t n, size_t size);

// Grows *array to hold at least `need` items of `size` bytes, doubling *capacity; false when out of
// memory, and then *array is untouched.
bool checked_grow(void *array_pointer, size_t *capacity, size_t need, size_t size);

#endif
