// SPDX-License-Identifier: Apache-2.0
// What is there and what is to be done, from the pipeline file, the journal and the disk, without
// MPI: what `plan`, `status`, `explain` and `report` look at.
#ifndef PIPELINE_COMMANDS_PIPELINE_STATE_H
#define PIPELINE_COMMANDS_PIPELINE_STATE_H

#include <stddef.h>

#include "pipeline/base/status.h"
#include "pipeline/commands/views.h"
#include "pipeline/dag/dag.h"
#include "pipeline/dag/key.h"
#include "pipeline/store/inputs.h"
#include "pipeline/store/journal.h"
#include "pipeline/store/kept.h"

typedef enum pipeline_task_state {
    PIPELINE_TASK_DONE,     // finished under its present key, and its file is there
    PIPELINE_TASK_LEFT_OUT, // not finished, and not selected
    PIPELINE_TASK_RUN,      // all its inputs are there; it must run
    PIPELINE_TASK_WAITING,  // an upstream task must run first
    PIPELINE_TASK_STATES,
} pipeline_task_state;

typedef struct pipeline_task {
    task *task;
    const journal_task *known; // what the journal says of it; NULL: nothing
    pipeline_task_state state;
    const journal_commit *commit; // of PIPELINE_TASK_DONE: where its result lies; else NULL
    kept_result found;            // that, where it was found by its key
    char why[256]; // "never run", "fractions changed from … to …", "its file is gone"
} pipeline_task;

typedef struct pipeline_state {
    pipeline_file *file;
    dag *dag;
    journal_state *journal;
    inputs *inputs;
    pipeline_task *tasks; // as dag->tasks
} pipeline_state;

// Reads everything and compares keys. Digests of input files are taken where the journal's are out
// of date, and not recorded. ERR_USAGE for the pipeline file or the selection, ERR_INPUT for a
// missing input file. Owned by the caller. Local.
status pipeline_state_open(const view_source *v, pipeline_state **out);
void pipeline_state_close(pipeline_state *s);

// The fields that differ between a task's last commit and its present key. ERR_INTERNAL when out of
// memory.
status pipeline_state_differences(pipeline_state *s, const pipeline_task *t, key_difference *out,
                                  size_t capacity, size_t *n);

#endif
