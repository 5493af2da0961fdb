// SPDX-License-Identifier: Apache-2.0
// A task while it runs. All ranks hold its opened stage and the vector of its round; one rank, its
// owner, sees the sum of a finished round and decides what follows.
#ifndef PIPELINE_RUN_RUNNING_TASK_H
#define PIPELINE_RUN_RUNNING_TASK_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "pipeline/comm/comm.h"
#include "pipeline/run/run_state.h"
#include "pipeline/store/checkpoint_file.h"

typedef struct active {
    task_run *of;
    int owner;
    void *state;   // the stage's
    int64_t round; // number of the present one, 0 for the first; -1 before it
    round_state vector;
    round_plan plan;
    bool complete; // `sum`, on the owner's node, is the whole round's; or there was no round yet
    // Views of the wave's memory, the node's: the sum, and a bit for each unit of the round that is
    // in it. NULL outside a wave.
    partial *sum;
    atomic_uint_least64_t *bits;
    verdict verdict; // this rank's, until the ranks vote
    bool finished;   // the owner's: committed, to be told to all
    // What an earlier run has done of the present round: the units' bits (owned, NULL: none), how
    // many, and on the owner the checkpoint that holds their sum.
    uint64_t *before;
    int64_t done;
    saved from;
    int64_t kept_round, kept_done; // what its checkpoint holds; -1: there is none
    int64_t units;                 // of the finished rounds
    double operations;
    // For the journal (journal_commit): this rank's seconds in units and what those cost; seconds
    // in which all waited for this task, on the owner where it decides.
    double busy, worked, alone;
    double started, seconds; // when this run opened it; what earlier runs spent on it
} active;

// Opens a ready task: resources (in the same order on all ranks), inputs, the stage, and the
// checkpoint where an earlier run left one. When that fails on a rank, the task fails on all.
// Collective.
void active_open(run *r, task_run *t);

// For each active task whose sum is complete: its owner asks the stage what follows and, at the
// end, stores the artefact. Then all learn it: a new round is planned everywhere (round, vector,
// plan), a finished or failed task is ended. Collective.
void active_advance(run *r);

// The vector of `a`'s round, from its owner to all. Collective.
status active_receive(run *r, active *a);

// Frees it: the stage's state, the vector, the view of the sum. Local. NULL is a no-op.
void active_free(active *a);

#endif
