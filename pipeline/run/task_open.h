// SPDX-License-Identifier: Apache-2.0
// Ready -> opened: resources, inputs and the stage, on all ranks; or straight into the round that
// an earlier run left in a checkpoint.
#ifndef PIPELINE_RUN_TASK_OPEN_H
#define PIPELINE_RUN_TASK_OPEN_H

#include "pipeline/run/run_state.h"

// Opens what it needs in the same order on all ranks. When that fails on a rank, the task fails on
// all. Collective.
void task_open(run *r, task_run *t);

// Is there room for what it opens beside what is open? The same on all ranks.
bool task_open_fits(const run *r, const task *t);

#endif
