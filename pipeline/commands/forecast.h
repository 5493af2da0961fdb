// SPDX-License-Identifier: Apache-2.0
// What the tasks of a pipeline will take: from the stages' estimates, and from the rates that
// earlier runs noted in the journal. No MPI.
#ifndef PIPELINE_COMMANDS_FORECAST_H
#define PIPELINE_COMMANDS_FORECAST_H

#include <stdbool.h>
#include <stdint.h>

#include "pipeline/base/status.h"
#include "pipeline/base/text.h"
#include "pipeline/commands/pipeline_state.h"
#include "pipeline/dag/look.h"

// Of a task alone on the machine; -1 where it is not known.
typedef struct task_forecast {
    int64_t units;
    double memory;  // bytes: the most that a rank holds, program and models included
    double disk;    // bytes of the artefact
    double seconds; // on as many ranks and threads as the last run had
} task_forecast;

typedef struct forecast forecast;

// Opens the pipeline's models and datasets as far as estimates look into them (no weights; with
// `records`, every record), and adds up the journal's rates. Borrows the state, whose tasks see these
// objects until forecast_free. What is wrong with them is in its look, and then no task may be asked
// for. Owned by the caller. Local.
status forecast_new(pipeline_state *s, bool records, forecast **out);
void forecast_free(forecast *f); // NULL is a no-op

// What was found when they were opened. Borrowed.
const look *forecast_look(const forecast *f);

// The i-th task: what was measured, where it is finished; otherwise what is expected. Asked in
// ascending order, since a task's inputs are counted as they were found. Local.
status forecast_task(forecast *f, size_t i, task_forecast *out);

// The device that this machine has, where one may compute: opened once, since that takes a driver long.
typedef struct forecast_device {
    bool wanted; // the pipeline does not say `device: cpu`
    text name;   // "" where there is none, and then `note` says why
    text note;
    double bytes; // free
} forecast_device;

// Borrowed.
const forecast_device *forecast_device_here(const forecast *f);

// The ranks and threads a rank that the seconds are for; 0 ranks before the first run.
void forecast_machine(const forecast *f, int *ranks, int *threads);

#endif
