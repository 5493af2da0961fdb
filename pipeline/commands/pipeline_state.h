// SPDX-License-Identifier: Apache-2.0
// What is there and what is to be done, from the pipeline file, the journal and the disk, without
// MPI: what `plan`, `status`, `explain` and `report` look at.
#ifndef PIPELINE_COMMANDS_PIPELINE_STATE_H
#define PIPELINE_COMMANDS_PIPELINE_STATE_H

#include <stddef.h>

#include "pipeline/base/status.h"
#include "pipeline/dag/dag.h"
#include "pipeline/store/inputs.h"
#include "pipeline/store/journal.h"

typedef enum survey_state {
    SURVEY_DONE,    // finished under its present key, and its file is there
    SURVEY_RUN,     // all its inputs are there; it must run
    SURVEY_WAITING, // an upstream task must run first
} survey_state;

typedef struct survey_task {
    task *task;
    const journal_task *known; // what the journal says of it; NULL: nothing
    survey_state state;
    char why[256]; // "never run", "fractions changed from … to …", "its file is gone"
} survey_task;

typedef struct survey {
    pipeline_file *file;
    dag *dag;
    journal_state *journal;
    inputs *inputs;
    survey_task *tasks; // as dag->tasks
} survey;

// Reads everything and compares keys. Digests of input files are taken where the journal's are out
// of date, and not recorded. ERR_USAGE for the pipeline file, ERR_INPUT for a missing input file.
// Owned by the caller. Local.
status survey_open(const char *pipeline, const char *const *overrides, size_t n_overrides,
                   const registry *r, survey **out);
void survey_close(survey *s);

// The fields that differ between a task's last commit and its present key. ERR_INTERNAL when out of
// memory.
status survey_differences(survey *s, const survey_task *t, key_difference *out, size_t capacity,
                          size_t *n);

#endif
