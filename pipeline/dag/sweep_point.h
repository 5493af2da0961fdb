// SPDX-License-Identifier: Apache-2.0
// Points of a step while its sweep is multiplied out: each adds an upstream task or a value to
// another, so that long chains of inputs share what they have in common.
#ifndef PIPELINE_DAG_SWEEP_POINT_H
#define PIPELINE_DAG_SWEEP_POINT_H

#include "pipeline/base/arena.h"
#include "pipeline/base/status.h"
#include "pipeline/dag/sweep.h"
#include "pipeline/dag/task.h"

typedef struct point {
    const struct point *parent; // NULL at the start
    task *input;                // an upstream task, or NULL
    const sweep_axis *own;      // an axis of the step with this value, or NULL
    const param_value *value;
    const task_axis *axes; // all so far
} point;

typedef struct points {
    const point **at; // owned
    size_t n, capacity;
} points;

// Adds a copy. ERR_USAGE at the step where there are more than DAG_TASKS.
status points_add(points *list, arena *memory, const step *s, const point *p);
void points_free(points *list);

// Gives p->axes, of which it has n, those of `axes` with the indices in `which` besides, in a new
// array.
status point_extend_axes(arena *memory, point *p, size_t n, const task_axis *axes,
                         const size_t *which, size_t n_which);

#endif
