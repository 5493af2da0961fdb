// SPDX-License-Identifier: Apache-2.0
// Ranks and threads add to the same block. Striped locks, rather than an atomic add of each value:
// a tile adds thousands of values at once, and 128 bits have no cheap atomic add.
#include "pipeline/base/partial.h"

#include <assert.h>
#include <limits.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/base/checked.h"

// A block is: the locks, then each field from a multiple of 64 bytes. A lock guards the stripes of
// values whose number it is modulo LOCKS, so that threads that add to different layers rarely meet.
enum { LOCKS = 64, STRIPE = 2048 };

// Zero is free, so that zeroed shared memory is a valid beginning. Held for microseconds; a
// spinning taker yields, since its holder may wait for the same core.
typedef struct lock {
    _Alignas(64) atomic_int taken;
} lock;

static_assert(ATOMIC_INT_LOCK_FREE == 2, "locks between processes need lock-free atomics");

struct partial {
    partial_shape shape;
    lock *locks;
    unsigned char *values[PARTIAL_MAX_FIELDS]; // into the block
    void *owned;                               // the block, unless it is borrowed
};

#define FIXED_MAX ((fixed)(~(unsigned __int128)0 >> 1))
#define FIXED_MIN (-FIXED_MAX - 1) // the mark of an overflow, as INT64_MIN is for counts

static size_t item_bytes(partial_type type)
{
    return type == PARTIAL_COUNT ? sizeof(int64_t) : sizeof(fixed);
}

// Where each field starts; returns the bytes of the block, SIZE_MAX when they do not fit.
static size_t lay_out_fields(const partial_shape *shape, size_t offset[PARTIAL_MAX_FIELDS])
{
    size_t at = LOCKS * sizeof(lock), bytes;
    for (int f = 0; f < shape->fields; f++) {
        const partial_field *field = &shape->field[f];
        offset[f] = at;
        if (field->length < 0 ||
            !checked_mul((size_t)field->length, item_bytes(field->type), &bytes) ||
            !checked_add(bytes, 63, &bytes) || !checked_add(at, bytes / 64 * 64, &at))
            return SIZE_MAX;
    }
    return at;
}

size_t partial_bytes(const partial_shape *shape)
{
    size_t offset[PARTIAL_MAX_FIELDS];
    return lay_out_fields(shape, offset);
}

status partial_view(const partial_shape *shape, void *block, partial **out)
{
    size_t offset[PARTIAL_MAX_FIELDS];
    partial *p = checked_calloc(1, sizeof *p);
    if (!p)
        return status_no_memory("a partial");
    p->shape = *shape;
    p->locks = block;
    lay_out_fields(shape, offset);
    for (int f = 0; f < shape->fields; f++)
        p->values[f] = (unsigned char *)block + offset[f];
    *out = p;
    return OK;
}

status partial_new(const partial_shape *shape, partial **out)
{
    size_t bytes = partial_bytes(shape);
    void *block = checked_aligned(bytes, 1);
    if (!block)
        return status_no_memory("a partial");
    memset(block, 0, bytes);
    status st = partial_view(shape, block, out);
    if (st == OK)
        (*out)->owned = block;
    else
        free(block);
    return st;
}

void partial_free(partial *p)
{
    if (!p)
        return;
    free(p->owned);
    free(p);
}

const partial_shape *partial_get_shape(const partial *p)
{
    return &p->shape;
}

static void take_lock(lock *l)
{
    while (atomic_exchange_explicit(&l->taken, 1, memory_order_acquire))
        sched_yield();
}

static void give_lock(lock *l)
{
    atomic_store_explicit(&l->taken, 0, memory_order_release);
}

static bool add_counts(int64_t *into, const int64_t *from, int64_t n)
{
    bool overflow = false;
    for (int64_t i = 0; i < n; i++)
        overflow |= __builtin_add_overflow(into[i], from[i], &into[i]) || into[i] == INT64_MIN;
    return !overflow;
}

static bool add_sums(fixed *into, const fixed *from, int64_t n)
{
    bool overflow = false;
    for (int64_t i = 0; i < n; i++)
        overflow |= __builtin_add_overflow(into[i], from[i], &into[i]) || into[i] == FIXED_MIN;
    return !overflow;
}

static status fail_overflow(const partial *p, int field)
{
    return status_fail(ERR_NUMERIC, p->shape.field[field].name,
                       "the sum leaves the range of %s; the values added are too large",
                       p->shape.field[field].type == PARTIAL_COUNT ? "64-bit counts"
                                                                   : "128-bit fixed point");
}

static status add_values(partial *p, int field, partial_type type, int64_t offset, int64_t n,
                         const void *values)
{
    assert(field >= 0 && field < p->shape.fields && p->shape.field[field].type == type);
    assert(offset >= 0 && n >= 0 && n <= p->shape.field[field].length - offset);
    size_t size = item_bytes(type);
    const unsigned char *from = values;
    for (int64_t i = offset, end = offset + n; i < end;) {
        int64_t stripe = i / STRIPE, next = (stripe + 1) * STRIPE;
        int64_t m = (next < end ? next : end) - i;
        unsigned char *into = p->values[field] + (size_t)i * size;
        lock *l = &p->locks[stripe % LOCKS];
        take_lock(l);
        bool fine =
            type == PARTIAL_COUNT
                ? add_counts((int64_t *)(void *)into, (const int64_t *)(const void *)from, m)
                : add_sums((fixed *)(void *)into, (const fixed *)(const void *)from, m);
        give_lock(l);
        if (!fine)
            return fail_overflow(p, field);
        from += (size_t)m * size;
        i += m;
    }
    return OK;
}

status partial_add_counts(partial *p, int field, int64_t offset, int64_t n, const int64_t *values)
{
    return add_values(p, field, PARTIAL_COUNT, offset, n, values);
}

status partial_add_sums(partial *p, int field, int64_t offset, int64_t n, const fixed *values)
{
    return add_values(p, field, PARTIAL_SUM, offset, n, values);
}

const int64_t *partial_counts(const partial *p, int field)
{
    assert(p->shape.field[field].type == PARTIAL_COUNT);
    return (const int64_t *)(const void *)p->values[field];
}

const fixed *partial_sums(const partial *p, int field)
{
    assert(p->shape.field[field].type == PARTIAL_SUM);
    return (const fixed *)(const void *)p->values[field];
}

void *partial_values(partial *p, int field)
{
    return p->values[field];
}

const void *partial_data(const partial *p, int field)
{
    return p->values[field];
}

void partial_clear(partial *p)
{
    for (int f = 0; f < p->shape.fields; f++)
        memset(p->values[f], 0,
               (size_t)p->shape.field[f].length * item_bytes(p->shape.field[f].type));
}

static void merge_counts(unsigned char *into, const unsigned char *from, int64_t n)
{
    for (int64_t i = 0; i < n; i++) {
        int64_t a, b;
        memcpy(&a, into + (size_t)i * sizeof a, sizeof a);
        memcpy(&b, from + (size_t)i * sizeof b, sizeof b);
        if (a == INT64_MIN || b == INT64_MIN || __builtin_add_overflow(a, b, &a))
            a = INT64_MIN;
        memcpy(into + (size_t)i * sizeof a, &a, sizeof a);
    }
}

static void merge_sums(unsigned char *into, const unsigned char *from, int64_t n)
{
    for (int64_t i = 0; i < n; i++) {
        fixed a, b;
        memcpy(&a, into + (size_t)i * sizeof a, sizeof a);
        memcpy(&b, from + (size_t)i * sizeof b, sizeof b);
        if (a == FIXED_MIN || b == FIXED_MIN || __builtin_add_overflow(a, b, &a))
            a = FIXED_MIN;
        memcpy(into + (size_t)i * sizeof a, &a, sizeof a);
    }
}

void partial_merge(partial_type type, void *into, const void *from, int64_t n)
{
    if (type == PARTIAL_COUNT)
        merge_counts(into, from, n);
    else
        merge_sums(into, from, n);
}

status partial_check(const partial *p)
{
    for (int f = 0; f < p->shape.fields; f++) {
        int64_t n = p->shape.field[f].length;
        bool marked = false;
        if (p->shape.field[f].type == PARTIAL_COUNT)
            for (int64_t i = 0; i < n; i++)
                marked |= partial_counts(p, f)[i] == INT64_MIN;
        else
            for (int64_t i = 0; i < n; i++)
                marked |= partial_sums(p, f)[i] == FIXED_MIN;
        if (marked)
            return fail_overflow(p, f);
    }
    return OK;
}
