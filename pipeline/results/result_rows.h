// SPDX-License-Identifier: Apache-2.0
// What artefacts say, one number a row: of a file, or of every artefact that a run has committed.
#ifndef PIPELINE_RESULTS_RESULT_ROWS_H
#define PIPELINE_RESULTS_RESULT_ROWS_H

#include <stdbool.h>
#include <stddef.h>

#include "pipeline/base/arena.h"
#include "pipeline/base/status.h"
#include "pipeline/config/reference.h"
#include "pipeline/store/artefact.h"

// A number, where it stands, and what is said of it. All texts are borrowed for the call.
typedef struct result_row {
    const char *label;     // of the task; "" where the file does not say
    const reference *task; // the same, taken apart; no axes where it cannot be
    const char *variable;
    int dims;
    const char *dim[VARIABLE_MAX_DIMS]; // its dimensions,
    const char *at[VARIABLE_MAX_DIMS];  // and where in each: a subset, a share, an index
    double value, low, high;            // the interval of VARIABLE_low and VARIABLE_high, or NaN
    double fraction, reached;           // of its `forget`, where these are not dimensions; else NaN
} result_row;

typedef status result_visit(void *context, const result_row *row);

// An artefact on its own, or one of a run. `label` "" where it does not say.
typedef status result_file_visit(void *context, const artefact *a, const char *label,
                                 const reference *task);

// Calls `visit` for the artefact at `path`, or for each that the journal of the output folder `path`
// has as a task's last, in the order of the journal; whole ones only. ERR_INPUT. Local.
status result_files(const char *path, result_file_visit *visit, void *context);

// Calls `visit` for every number of an artefact's variables, in the file's order; without those over
// single neurons, probes and bits, and without coordinates. `only`: this variable; NULL: all.
status result_rows(const artefact *a, const char *label, const reference *task, const char *only,
                   result_visit *visit, void *context);

#endif
