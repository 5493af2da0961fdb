// SPDX-License-Identifier: Apache-2.0
// A share is one 64-bit word, first unit and end, so that its owner takes from the front and others
// from the back with one compare-and-swap and no lock.
#include "pipeline/schedule/work_queue.h"

#include <assert.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "pipeline/base/checked.h"

// What is left of a share: first unit in the upper half, end in the lower, so that one
// compare-and-swap claims from either side.
typedef struct share_left {
    _Alignas(64) atomic_uint_least64_t range;
} share_left;

static_assert(ATOMIC_LLONG_LOCK_FREE == 2, "claims between processes need lock-free atomics");

struct work_queue {
    share_left *shares; // one a rank of the node
    int node_rank, node_ranks;
    const int64_t *before;
    work_queue_joins_fn *joins; // NULL: units are claimed one by one
    void *context;
};

static uint64_t pack_range(int64_t first, int64_t end)
{
    return (uint64_t)first << 32 | (uint64_t)end;
}

static int64_t first_of(uint64_t range)
{
    return (int64_t)(range >> 32);
}

static int64_t end_of(uint64_t range)
{
    return (int64_t)(range & UINT32_MAX);
}

int64_t work_queue_cut(const int64_t *before, int64_t n, int part, int parts)
{
    // A unit belongs to the part in which its middle lies; in halves, to stay with integers.
    __extension__ typedef __int128 wide;
    wide bound = (wide)before[n] * 2 * part; // times parts, as the middles below
    int64_t low = 0, high = n;
    if (part == parts)
        return n;
    while (low < high) {
        int64_t i = low + (high - low) / 2;
        if ((wide)(before[i] + before[i + 1]) * parts < bound)
            low = i + 1;
        else
            high = i;
    }
    return low;
}

size_t work_queue_bytes(int node_ranks)
{
    return (size_t)node_ranks * sizeof(share_left);
}

status work_queue_new(void *block, int node_rank, int node_ranks, int position, int ranks,
                      const int64_t *before, int64_t n, work_queue **out)
{
    work_queue *c = checked_calloc(1, sizeof *c);
    if (!c)
        return status_no_memory("the list of units");
    *c = (work_queue){block, node_rank, node_ranks, before, NULL, NULL};
    atomic_store(&c->shares[node_rank].range,
                 pack_range(work_queue_cut(before, n, position, ranks),
                            work_queue_cut(before, n, position + 1, ranks)));
    *out = c;
    return OK;
}

void work_queue_free(work_queue *c)
{
    free(c);
}

void work_queue_join(work_queue *c, work_queue_joins_fn *joins, void *context)
{
    c->joins = joins;
    c->context = context;
}

// How many units of [first, end) make a run, from its front or its back. Half at most, so that others
// find work as long as there is any.
static int64_t measure_run(const work_queue *c, int64_t first, int64_t end, bool front)
{
    const int64_t most = (end - first + 1) / 2;
    int64_t n = 1;
    while (c->joins && n < most && c->joins(c->context, front ? first + n : end - n) > n)
        n++;
    return n;
}

// Claims the first or the last units of a share; false when it is empty.
static bool take_units(const work_queue *c, share_left *share, bool front, int64_t *at, int64_t *n)
{
    uint64_t range = atomic_load(&share->range), rest;
    do {
        int64_t first = first_of(range), end = end_of(range);
        if (first >= end)
            return false;
        *n = measure_run(c, first, end, front);
        *at = front ? first : end - *n;
        rest = front ? pack_range(first + *n, end) : pack_range(first, end - *n);
    } while (!atomic_compare_exchange_weak(&share->range, &range, rest));
    return true;
}

// The share with the costliest rest, or NULL when all are empty.
static share_left *richest_share(const work_queue *c)
{
    share_left *best = NULL;
    int64_t most = 0;
    for (int r = 0; r < c->node_ranks; r++) {
        uint64_t range = atomic_load(&c->shares[r].range);
        int64_t cost = c->before[end_of(range)] - c->before[first_of(range)];
        if (first_of(range) < end_of(range) && cost > most) {
            best = &c->shares[r];
            most = cost;
        }
    }
    return best;
}

bool work_queue_next(work_queue *c, int64_t *first, int64_t *n)
{
    share_left *victim;
    if (take_units(c, &c->shares[c->node_rank], true, first, n))
        return true;
    while ((victim = richest_share(c)))
        if (take_units(c, victim, false, first, n))
            return true;
    return false;
}

int64_t work_queue_left(const work_queue *c)
{
    int64_t left = 0;
    for (int r = 0; r < c->node_ranks; r++) {
        uint64_t range = atomic_load(&c->shares[r].range);
        left += end_of(range) - first_of(range);
    }
    return left;
}

int64_t work_queue_cost_left(const work_queue *c)
{
    int64_t left = 0;
    for (int r = 0; r < c->node_ranks; r++) {
        uint64_t range = atomic_load(&c->shares[r].range);
        left += c->before[end_of(range)] - c->before[first_of(range)];
    }
    return left;
}

int64_t work_queue_give(work_queue *c, int64_t cost, int64_t *first, int64_t *end)
{
    share_left *victim;
    while ((victim = richest_share(c))) {
        uint64_t range = atomic_load(&victim->range);
        int64_t low = first_of(range), cut = end_of(range);
        *end = cut;
        if (low >= cut)
            continue;
        do
            cut--;
        while (cut > low && c->before[*end] - c->before[cut - 1] <= cost);
        *first = cut;
        if (atomic_compare_exchange_strong(&victim->range, &range, pack_range(low, cut)))
            return c->before[*end] - c->before[*first];
    }
    return 0;
}

void work_queue_put(work_queue *c, int i, int64_t first, int64_t end)
{
    atomic_store(&c->shares[i].range, pack_range(first, end));
}
