// SPDX-License-Identifier: Apache-2.0
// Points of a step while its sweep is multiplied out: each adds an upstream task or a value to
// another, so that long chains of inputs share what they have in common.
#ifndef PIPELINE_DAG_SWEEP_POINT_H
#define PIPELINE_DAG_SWEEP_POINT_H

#include "pipeline/base/arena.h"
#include "pipeline/base/status.h"
#include "pipeline/dag/sweep.h"
#include "pipeline/dag/task.h"

typedef struct sweep_point {
    const struct sweep_point *parent; // NULL at the start
    task *input;                      // an upstream task, or NULL
    const sweep_axis *own;            // an axis of the step with this value, or NULL
    const param_value *value;
    const task_axis *axes; // all so far
} sweep_point;

typedef struct sweep_points {
    const sweep_point **at; // owned
    size_t n, capacity;
} sweep_points;

// Adds a copy. ERR_USAGE at the step where there are more than DAG_TASKS.
status sweep_points_add(sweep_points *list, arena *memory, const step *s, const sweep_point *p);
void sweep_points_free(sweep_points *list);

// Gives p->axes, of which it has n, those of `axes` with the indices in `which` besides, in a new
// array.
status sweep_point_extend_axes(arena *memory, sweep_point *p, size_t n, const task_axis *axes,
                               const size_t *which, size_t n_which);

#endif
