// SPDX-License-Identifier: Apache-2.0
// One step's tasks: its own sweep times the combinations of upstream tasks that agree (the rules
// are in dag.h).
#ifndef PIPELINE_DAG_EXPAND_H
#define PIPELINE_DAG_EXPAND_H

#include "pipeline/config/param_check.h"
#include "pipeline/dag/dag.h"

// The tasks of a step in dag->tasks.
typedef struct task_range {
    size_t first, n;
} task_range;

// Appends the tasks of step `index` to the dag; `ranges` holds those of all steps it is from.
// Capacity is that of dag->tasks. Local.
status expand_step(dag *d, size_t index, const task_range *ranges, size_t *capacity);

// The value of an axis as it is matched: `typed` read as the axis's parameter. ERR_USAGE with the
// place.
status expand_canonical(dag *d, const param_def *def, const char *typed, location at,
                        const char **out);

#endif
