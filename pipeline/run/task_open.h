// SPDX-License-Identifier: Apache-2.0
// Ready -> opened: resources, inputs and the stage, on all ranks; or straight into the round that
// an earlier run left in a checkpoint.
#ifndef PIPELINE_RUN_TASK_OPEN_H
#define PIPELINE_RUN_TASK_OPEN_H

#include "pipeline/run/run_state.h"

// Opens the ready tasks, as many as there are places and memory for, each with what it needs. When
// that fails on a rank, the task fails on all. Collective.
void task_open_ready(run *r);

#endif
