// SPDX-License-Identifier: Apache-2.0
// A rank's threads. The engine gives each of them units of its own (pool_each); what a unit has in
// independent items is a loop (pool_run), of which threads that have nothing else to do take items
// too. Each thread runs one item at a time, with single-threaded library calls inside, so that
// neither bits nor shapes depend on the thread count.
//
// A NULL pool stands for the caller alone, as thread 0.
#ifndef PIPELINE_BASE_POOL_H
#define PIPELINE_BASE_POOL_H

#include <stdbool.h>
#include <stdint.h>

#include "pipeline/base/status.h"

typedef struct pool pool;

// One item of a loop. `thread` is in [0, pool_threads): an index for per-thread scratch.
typedef status pool_fn(void *context, int64_t item, int thread);

// Starts threads - 1 threads; the caller is thread 0. Fails when a thread cannot start.
status pool_new(int threads, pool **out);
// Stops and joins them. NULL is a no-op.
void pool_free(pool *p);
int pool_threads(const pool *p);
// Keeps thread t on cpu[t], for every t but 0, of which other threads may still be born; [threads].
// What the system refuses is left as it is.
void pool_pin(pool *p, const int32_t *cpu);

// Runs fn(context, i, thread) for i in [0, n), items handed out in ascending order, by the caller
// and by threads that are at rest. Returns when all have ended. When some fail, no further item
// starts, and the status and text of the failing one with the lowest index are returned. Any of the
// pool's threads may call it, several at once, but not from within an item.
status pool_run(pool *p, int64_t n, pool_fn *fn, void *context);

// Runs fn(context, t, t) once on every thread t, and returns when all have ended; a failure as
// pool_run. Threads that have ended take items of the loops that others run meanwhile. Thread 0's
// to call, outside of all loops.
status pool_each(pool *p, pool_fn *fn, void *context);

// For a thread that waits for another one's work, outside of items: takes items of a loop, or rests
// until there is one, at most `seconds`.
void pool_rest(pool *p, double seconds);

// Seconds that the threads have been at rest so far, all of them together: in pool_rest, and where
// pool_run and pool_each had no item for them.
double pool_rested(pool *p);

#endif
