// SPDX-License-Identifier: Apache-2.0
// A rank's worker threads. Work is a loop of independent items; each thread runs one item at a
// time, with single-threaded library calls inside, so that neither bits nor shapes depend on the
// thread count.
#ifndef PIPELINE_BASE_POOL_H
#define PIPELINE_BASE_POOL_H

#include <stdint.h>

#include "pipeline/base/status.h"

typedef struct pool pool;

// One item of a loop. `thread` is in [0, pool_threads): an index for per-thread scratch.
typedef status pool_fn(void *context, int64_t item, int thread);

// Starts threads - 1 threads; the caller of pool_run is the last one. Fails when a thread cannot
// start.
status pool_new(int threads, pool **out);
// Stops and joins them. NULL is a no-op.
void pool_free(pool *p);
int pool_threads(const pool *p);

// Runs fn(context, i, thread) for i in [0, n), items handed out in ascending order. Returns when
// all have ended. When some fail, no further item starts, and the status and text of the failing
// one with the lowest index are returned. Not to be entered twice at once. A NULL pool runs the
// loop in the caller as thread 0.
status pool_run(pool *p, int64_t n, pool_fn *fn, void *context);

#endif
