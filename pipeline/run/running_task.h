// SPDX-License-Identifier: Apache-2.0
// A task while it runs. All ranks hold its opened stage and the vector of its round; one rank, its
// owner, sees the sum of a finished round and decides what follows.
#ifndef PIPELINE_RUN_RUNNING_TASK_H
#define PIPELINE_RUN_RUNNING_TASK_H

#include <stdatomic.h>
#include <stdint.h>

#include "pipeline/comm/comm.h"
#include "pipeline/run/run_state.h"
#include "pipeline/store/checkpoint_file.h"

typedef struct running_task {
    task_run *of;
    int owner;
    void *state;   // the stage's
    int64_t round; // number of the present one, 0 for the first; -1 before it
    round_state vector;
    round_plan plan;
    // Views of the wave's memory, the node's: the sum, and a bit for each unit of the round that is
    // in it. NULL outside a wave.
    partial *sum;
    atomic_uint_least64_t *bits;
    bool decided;    // the owner has: its artefact is stored
    verdict verdict; // this rank's, until the ranks vote
    // What an earlier run has done of the present round: the units' bits (owned, NULL: none), how
    // many, and on the owner the checkpoint that holds their sum.
    uint64_t *before;
    int64_t done;
    checkpoint_file from;
    int64_t saved_round, saved_done; // what its checkpoint holds; -1: there is none
    int64_t units;                   // of the finished rounds
    double operations;
    // For the journal (journal_commit): this rank's seconds in units and what those cost; seconds
    // in which all waited for this task, on the owner where it decides.
    double busy, worked, alone;
    double started, seconds; // when this run opened it; what earlier runs spent on it
} running_task;

// Of a ready task, with no round yet; n_opened counts the tasks opened before. NULL when out of
// memory. Owned by the caller. Local.
running_task *running_task_new(task_run *t, const comm *c, size_t n_opened);
// Frees it: the stage's state, the vector, the view of the sum. Local. NULL is a no-op.
void running_task_free(running_task *a);

// The vector of its round, from its owner to all. Collective.
status running_task_receive(running_task *a, const comm *c);

#endif
