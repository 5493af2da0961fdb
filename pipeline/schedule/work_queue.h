// SPDX-License-Identifier: Apache-2.0
// Who runs which units of a wave. The list of units is cut into one contiguous share a rank, of
// equal cost, by a rule every rank can follow alone. A rank takes its own share from the front (in
// every round the same part of the data), and then from the back of the share of its node that has
// most left. What moves between nodes is given and put here (steal.h). No MPI here: the shares lie
// in memory that the node's ranks see, and are claimed with atomics.
#ifndef PIPELINE_SCHEDULE_WORK_QUEUE_H
#define PIPELINE_SCHEDULE_WORK_QUEUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pipeline/base/status.h"

enum {
    WORK_QUEUE_COST = 1 << 20,
    WORK_QUEUE_UNITS = INT32_MAX
}; // largest cost of a unit, and number of units, in a wave

// First unit of part `part` of `parts` of a list of n units; `before[i]` is the cost of the units
// before unit i, i in [0, n]. Part `parts` begins at n. Ascending in `part`; a part differs from
// its fair share by less than one unit.
int64_t work_queue_cut(const int64_t *before, int64_t n, int part, int parts);

typedef struct work_queue work_queue;

// Bytes of node memory that the queue of so many ranks takes.
size_t work_queue_bytes(int node_ranks);

// One rank's view of a node's queue in `block` (zeroed memory that its `node_ranks` ranks share,
// aligned to 64 bytes; borrowed). `position` is this rank's place among all `ranks` of the run when
// they are sorted by node. Borrows `before`. The node's ranks must have met (a vote) between this
// and the first claim. Local. Owned by the caller.
status work_queue_new(void *block, int node_rank, int node_ranks, int position, int ranks,
                      const int64_t *before, int64_t n, work_queue **out);
void work_queue_free(work_queue *c); // NULL is a no-op

// How many units a run may have in which `unit` stands behind the unit before it; 1: it begins a run.
// Whenever it is asked it says the same. From any thread, in a claim that may be tried again.
typedef int64_t work_queue_joins_fn(void *context, int64_t unit);
// Claims are of runs from now on, as `joins` allows. Before the first claim.
void work_queue_join(work_queue *c, work_queue_joins_fn *joins, void *context);

// The next units for this rank, [*first, *first + *n), or false when the node has none left: one, or
// where units join a run of them, of at most half of what its share has left. Every unit is given out
// once.
bool work_queue_next(work_queue *c, int64_t *first, int64_t *n);

// Units of the node that nobody has claimed yet; and what they cost.
int64_t work_queue_left(const work_queue *c);
int64_t work_queue_cost_left(const work_queue *c);

// Takes units [*first, *end) off the back of the share that has most left: no more than `cost`, but
// one at least. Returns what they cost, 0 when nothing is left.
int64_t work_queue_give(work_queue *c, int64_t cost, int64_t *first, int64_t *end);
// Makes units of another node the share of this node's worker `i`, which must be empty; only that
// worker puts.
void work_queue_put(work_queue *c, int i, int64_t first, int64_t end);

#endif
