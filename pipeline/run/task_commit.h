// SPDX-License-Identifier: Apache-2.0
// Decided -> committed: the artefact on the owner's rank, then its line in rank 0's journal.
#ifndef PIPELINE_RUN_TASK_COMMIT_H
#define PIPELINE_RUN_TASK_COMMIT_H

#include "pipeline/run/running_task.h"

// The owner: has the stage describe the artefact and stores it; it does not exist before
// task_commit_record. `finished` and `sum` are the last round's, NULL where there was none. Local.
status task_store(run *r, running_task *a, const round_state *finished, const partial *sum);

// Of the first n of the list, which are decided: adds up what they cost. Those of files that changed
// since their digests were taken fail, and their artefacts, in place already, go again. Collective.
void task_commit_prepare(run *r, size_t n);
// Rank 0 writes the line that makes the stored artefact exist: a vote must follow. Local.
status task_commit_record(run *r, running_task *a);
// Ends the task, whose line is written. Collective on each node.
void task_commit_end(run *r, task_run *t);

#endif
