// SPDX-License-Identifier: Apache-2.0
// Ready -> opened: resources, inputs and the stage, on all ranks; or straight into the round that
// an earlier run left in a checkpoint.
#ifndef PIPELINE_RUN_TASK_OPEN_H
#define PIPELINE_RUN_TASK_OPEN_H

#include "pipeline/run/run_state.h"

// Opens the ready tasks, as many as there are places and memory for, each with what it needs. When
// that fails on a rank, the task fails on all. Collective.
void task_open_ready(run *r);

// Before any is opened: fails the tasks to come whose inputs are wrong as far as headers and first
// records show, and says what is to be known of the others. `before` is this rank's status so far, on
// which it votes too. Collective; fails alike on all ranks.
status task_look(run *r, status before);

#endif
