// SPDX-License-Identifier: Apache-2.0
// The units of a wave as one list: the rounds of several tasks one after the other, each unit with
// its cost. Every rank makes the same list. Local.
#ifndef PIPELINE_RUN_WAVE_UNITS_H
#define PIPELINE_RUN_WAVE_UNITS_H

#include <stddef.h>
#include <stdint.h>

#include "pipeline/run/running_task.h"

// A task's part of the list.
typedef struct wave_part {
    running_task *task;
    int64_t first, n; // place in the list; units
    int64_t *rest;    // their numbers in the round, where some are done already; owned
} wave_part;

typedef struct wave_units {
    wave_part *parts; // owned
    size_t n;
    int64_t units;
    int64_t *before; // costs of the list, see work_queue.h; owned
} wave_units;

// Appends what is left of a task's round; parts has room for it.
void wave_units_append(wave_units *l, running_task *a);
// Numbers and costs, once all parts are there. ERR_INTERNAL.
status wave_units_finish(wave_units *l);
void wave_units_free(wave_units *l); // {0} is a no-op

// The part of a place of the list, as an index; and the number of the unit there in its round.
size_t wave_units_part(const wave_units *l, int64_t at);
int64_t wave_units_number(const wave_part *p, int64_t at);

// Operations of a unit of its round, of all units; 1 and 0 where the stage does not say.
double wave_units_cost(const running_task *a, int64_t unit);
double wave_units_operations(const running_task *a);

#endif
