// SPDX-License-Identifier: Apache-2.0
// Which tasks must run: rank 0 computes the keys of the tasks whose inputs are there, asks the
// journal and the disk, and tells all.
#ifndef PIPELINE_RUN_READINESS_H
#define PIPELINE_RUN_READINESS_H

#include "pipeline/run/run_state.h"

// Moves waiting tasks on: to skipped, ready, failed (no key: an input file is missing), blocked or
// left out. Collective. ERR_USAGE when a task needs one that was left out; ERR_INTERNAL.
status settle(run *r);

// The task is over, as `end` says: frees what the run holds of it, and closes the inputs and
// resources that no other task will need. Collective on each node, in the same order on all ranks.
void settle_end(run *r, task_run *t, task_state end);

// The task failed with `st` and this thread's line, the same on all ranks: ends it, and tells the
// journal and whoever watches. An interrupted task ends with its run, unmarked.
void settle_fail(run *r, task_run *t, status st);

#endif
