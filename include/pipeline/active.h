// SPDX-License-Identifier: Apache-2.0
// A task while it runs. All ranks hold its opened stage and the vector of its round; one rank, its
// owner, sees the sum of a finished round and decides what follows.
#ifndef PIPELINE_ACTIVE_H
#define PIPELINE_ACTIVE_H

#include <stdbool.h>
#include <stdint.h>

#include "pipeline/comm.h"
#include "pipeline/run_state.h"

typedef struct active {
    task_run *of;
    int owner;
    void *state;   // the stage's
    int64_t round; // number of the present one, 0 for the first; -1 before it
    round_state vector;
    round_plan plan;
    bool complete;   // `sum`, on the owner's node, is the whole round's; or there was no round yet
    partial *sum;    // a view of the wave's memory; NULL outside a wave
    verdict verdict; // this rank's, until the ranks vote
    bool finished;   // the owner's: committed, to be told to all
    int64_t units;   // of all rounds so far
    double operations, started;
} active;

// Opens a ready task: resources (in the same order on all ranks), inputs, the stage. When that
// fails on a rank, the task fails on all. Collective.
void active_open(run *r, task_run *t);

// For each active task whose sum is complete: its owner asks the stage what follows and, at the
// end, stores the artefact. Then all learn it: a new round is planned everywhere (round, vector,
// plan), a finished or failed task is ended. Collective.
void active_advance(run *r);

// Frees it: the stage's state, the vector, the view of the sum. Local. NULL is a no-op.
void active_free(active *a);

#endif
