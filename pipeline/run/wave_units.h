// SPDX-License-Identifier: Apache-2.0
// The units of a wave as one list: the rounds of several tasks one after the other, each unit with
// its cost. Every rank makes the same list. Local.
#ifndef PIPELINE_RUN_WAVE_UNITS_H
#define PIPELINE_RUN_WAVE_UNITS_H

#include <stddef.h>
#include <stdint.h>

#include "pipeline/run/run_state.h"
#include "pipeline/run/running_task.h"

// What the node's ranks tell each other about a task's round while it runs, in the node's memory.
typedef struct part_board {
    _Alignas(64) atomic_int_least64_t done;
    atomic_bool failed;
} part_board;

// A task's part of the list.
typedef struct wave_part {
    running_task *task;
    int64_t first, n;  // place in the list; units
    int64_t *rest;     // their numbers in the round, where some are done already; owned
    part_board *board; // borrowed
    int64_t here;      // how many of its units fall to this node
    // On rank 0, for who watches:
    double journalled;  // when the journal last heard of it
    int64_t ahead;      // units of later rounds, as the stage has it; negative: not told
    char note[64];      // what the stage says of the round
    double done, ended; // units that are done; seconds of the wave until all were, 0 before
    double wave_done;   // the costs of all parts' units that were done then
    double later;       // seconds of later rounds, alone; negative: not known
} wave_part;

typedef struct wave_units {
    wave_part *parts;     // owned
    progress_line *lines; // one a part, for who watches; owned
    size_t n;
    int64_t units;
    int64_t *before; // costs of the list, see work_queue.h; owned
} wave_units;

// Fills an empty list with the rounds of running tasks, while their sums fit into the node's memory
// (*bytes): of those that *teams run, which need twice the bytes, and those that ranks run, only
// such as the first is. A task that can never fit has failed. ERR_INTERNAL.
status wave_units_admit(run *r, wave_units *l, bool *teams, size_t *bytes);
void wave_units_free(wave_units *l); // {0} is a no-op

// The part of a place of the list, as an index; and the number of the unit there in its round.
size_t wave_units_part(const wave_units *l, int64_t at);
int64_t wave_units_number(const wave_part *p, int64_t at);
// For work_queue_join, of a list: how many units a call may have in which the unit of a place stands
// behind that of the place before it, as its stage says (`together`).
int64_t wave_units_together(void *list, int64_t at);

// Operations of a unit of its round, of all units; 1 and 0 where the stage does not say.
double wave_units_cost(const running_task *a, int64_t unit);
double wave_units_operations(const running_task *a);

#endif
