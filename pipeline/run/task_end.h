// SPDX-License-Identifier: Apache-2.0
// The end of a task's life, in any phase: what the run holds of it is freed.
#ifndef PIPELINE_RUN_TASK_END_H
#define PIPELINE_RUN_TASK_END_H

#include "pipeline/run/run_state.h"

// The task is over, as `end` says: frees what the run holds of it, and closes the inputs and
// resources that no other task will need. Collective on each node, in the same order on all ranks.
void task_end(run *r, task_run *t, task_phase end);

// The task failed with `st` and this thread's line, the same on all ranks: ends it, and tells the
// journal and whoever watches. An interrupted task ends with its run, unmarked.
void task_fail(run *r, task_run *t, status st);

// After a vote (running_vote): those of the first n of the list that failed are ended (task_fail) and
// leave it. Returns how many are left; their numbers move up with them. Collective on each node.
size_t task_drop_failed(run *r, size_t n, int numbers);
// The vote, without numbers, and this. Collective.
size_t task_agree(run *r, size_t n);

#endif
