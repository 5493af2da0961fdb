// SPDX-License-Identifier: Apache-2.0
// What a step itself gives: the parameters all its tasks share, the axes it sweeps, and the
// upstream axes it selects from.
#ifndef PIPELINE_DAG_SWEEP_H
#define PIPELINE_DAG_SWEEP_H

#include <stdbool.h>
#include <stddef.h>

#include "pipeline/base/status.h"
#include "pipeline/config/param_check.h"
#include "pipeline/dag/pipeline_file.h"
#include "pipeline/dag/task.h"

// A key of the step that sweeps, matches or selects an axis.
typedef struct sweep_axis {
    const char *name;
    const param_def *def;
    size_t param; // its place in the stage's table; SWEEP_NO_PARAM where it only matches an
                  // upstream axis
    bool single;  // one value, not a list: selects upstream, sweeps nothing
    location at;
    const param_value *values;
    size_t n;
} sweep_axis;

#define SWEEP_NO_PARAM ((size_t)-1)

typedef struct sweep {
    const char *what; // "step `unlearn`", for messages
    params *base;     // with the first value of each axis
    sweep_axis *axes; // in file order
    size_t n;
} sweep;

// Reads the keys of a step but `stage` and `from` (unless the stage's table has them too).
// `upstream` are the axes of its inputs that are not selected in `from`. ERR_USAGE with the place.
// In c->memory. Local.
status sweep_read(const param_context *c, const step *s, const task_axis *upstream,
                  size_t n_upstream, sweep *out);

#endif
