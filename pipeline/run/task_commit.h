// SPDX-License-Identifier: Apache-2.0
// Decided -> committed: the artefact on the owner's rank, then its line in rank 0's journal.
#ifndef PIPELINE_RUN_TASK_COMMIT_H
#define PIPELINE_RUN_TASK_COMMIT_H

#include "pipeline/run/running_task.h"

// The owner: has the stage describe the artefact and stores it; it does not exist before
// task_commit. `finished` and `sum` are the last round's, NULL where there was none. Local.
status task_store(run *r, running_task *a, const round_state *finished, const partial *sum);

// Writes the line that makes the stored artefact exist, and ends the task; it fails on all ranks
// where the line cannot be written. Collective.
void task_commit(run *r, task_run *t);

#endif
