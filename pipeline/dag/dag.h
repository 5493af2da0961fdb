// SPDX-License-Identifier: Apache-2.0
// The tasks of a pipeline: steps expanded over their sweeps and connected by `from`
// (docs/design.md).
//
// A list where a parameter takes one value is an axis of its step, also a list of one value (so
// that adding a value renames nothing). A step `from` swept steps has one task per combination of
// upstream tasks that agree on the axes they share. A key of the step with the name of an upstream
// axis matches it: one value selects (and the axis is gone), a list keeps the axis and its listed
// values; where the stage has no parameter of that name it does only that. "step[axis=value]" in
// `from` selects for that input alone. Values match as typed values: 0.5 and 0.50 are the same. A
// resource parameter the step does not give is its upstream's (the first input that has one; when a
// required one differs between inputs, that is an error).
#ifndef PIPELINE_DAG_DAG_H
#define PIPELINE_DAG_DAG_H

#include <stddef.h>

#include "pipeline/base/arena.h"
#include "pipeline/base/names.h"
#include "pipeline/base/status.h"
#include "pipeline/dag/pipeline_file.h"
#include "pipeline/dag/task.h"

enum { DAG_TASKS = 100000 };

typedef struct dag {
    pipeline_file *file; // borrowed
    task **tasks; // topological; ties in file order; the points of a step together, the last axis
                  // fastest
    size_t n;
    names label_index; // label -> index in tasks
    arena memory;      // owns the tasks
} dag;

void dag_free(dag *d); // NULL is a no-op

#endif
