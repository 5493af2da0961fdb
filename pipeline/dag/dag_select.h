// SPDX-License-Identifier: Apache-2.0
// Tasks by name: those that the command line selects, and the one that `explain` is asked about.
#ifndef PIPELINE_DAG_DAG_SELECT_H
#define PIPELINE_DAG_DAG_SELECT_H

#include "pipeline/dag/dag.h"

// A task by its label, by "step/name.nc", or by its step's name where the step has one task.
// ERR_USAGE with the nearest label.
status dag_find(const dag *d, const char *label, task **out);

// What the command line selects; each a step, "step[axis=value,…]", or NULL.
typedef struct dag_selection {
    const char *from;  // these and everything below them
    const char *only;  // these
    const char *force; // these run again though finished
    const char *to;    // these and everything that they need
} dag_selection;

// Sets `selected` and `forced` of all tasks. ERR_USAGE naming the option.
status dag_select(dag *d, const dag_selection *s);

#endif
