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

// What units of a round have come to: views of the wave's memory, the node's.
typedef struct tally {
    partial *sum;                // owned
    atomic_uint_least64_t *bits; // one for each unit that is in it
} tally;

typedef struct running_task {
    task_run *of;
    int owner;
    void *state;   // the stage's
    int64_t round; // number of the present one, 0 for the first; -1 before it
    round_state vector;
    round_plan plan;
    // Outside a wave {NULL}. While units run they add to those of their stretches in turns (the
    // second NULL where there are no cuts: pipeline/schedule/cuts.h).
    tally tally[2];
    // The one that is whole: to be saved, and at the wave's end to be decided on. Borrowed.
    partial *sum;
    atomic_uint_least64_t *bits;
    bool decided;    // the owner has: its artefact is stored
    verdict verdict; // this rank's, until the ranks vote
    bool found;      // its checkpoint, whole or damaged
    // What an earlier run has done of the present round: the units' bits (owned, NULL: none), how
    // many, and on the owner the checkpoint that holds their sum.
    uint64_t *before;
    int64_t done;
    checkpoint_file from;
    int64_t saved_round, saved_done; // what its checkpoint holds; -1: there is none
    int64_t units;                   // of the finished rounds
    int64_t foreseen;                // in all rounds; 0: not asked yet; -1: unknown (rank 0)
    double operations;
    // For the journal (journal_commit): this rank's seconds in units and what those cost; seconds
    // in which all waited for this task, on the owner where it decides.
    double busy, worked, alone, memory; // once it is decided, of all ranks
    int64_t manned, rested;  // thread nanoseconds of all ranks in its waves; of these, without work
    double started, seconds; // when this run opened it; what earlier runs spent on it
} running_task;

// Places for all tasks that run at once, and room for what is told of them: made at the beginning,
// so that no meeting can fail for want of memory on one rank alone.
struct running_places {
    size_t n; // places
    running_task *place;
    running_task **listed; // of running_list
    verdict **ballot;
    comm_block *block;
    int64_t *told; // two numbers each
};

// For the tasks that a run on so many ranks opens at once. Local. Owned by the caller.
status running_places_new(const comm *c, running_places **out);
void running_places_free(running_places *p); // NULL is a no-op

// A task's place, t->running, with no round yet. There is one while r->n_running <= n. Local.
void running_task_begin(run *r, task_run *t);
// Empties it: the stage's state, the vector, the view of the sum. Local. NULL is a no-op.
void running_task_end(running_task *a);

// Node memory for a tally; SIZE_MAX when it does not fit into a size_t. Views of it at `block`, which
// is of zeros, as tally `i`; the first is `sum` and `bits`. Local.
size_t running_task_bytes(const running_task *a);
status running_task_view(running_task *a, int i, char *block);
// Frees both views. Local.
void running_task_unview(running_task *a);
// Makes the tally of that stretch `sum` and `bits`. Local.
void running_task_turn(running_task *a, int64_t stretch);
// Adds a tally to the other one, and empties it; units may be adding to the other one. By one rank of
// a node for all, local. ERR_NUMERIC.
status running_task_move(running_task *a, int64_t stretch);

// The share of all threads' time in its waves that had no work, as far as this run went. The same on
// all ranks. Local.
double running_task_waiting(const running_task *a);

// The running tasks of a kind, in order, into `listed`; their number. Local.
size_t running_list(run *r, bool (*is)(const task_run *t));
// A vote on each of the first n of `listed`, with so many numbers of `told` beside
// (comm_agree_each). Collective.
void running_vote(run *r, size_t n, int numbers);

#endif
