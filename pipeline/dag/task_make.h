// SPDX-License-Identifier: Apache-2.0
// Makes a task of a point: its parameters, inputs, resources, label and path.
#ifndef PIPELINE_DAG_TASK_MAKE_H
#define PIPELINE_DAG_TASK_MAKE_H

#include "pipeline/dag/dag.h"
#include "pipeline/dag/sweep.h"
#include "pipeline/dag/sweep_point.h"

// The task becomes number d->n; its label is entered, and its stage's `check` has passed. Owned by
// the dag. ERR_USAGE with the place. Local.
status task_make(dag *d, const step *s, const sweep *w, const sweep_point *p, size_t n_axes,
                 task **out);

#endif
