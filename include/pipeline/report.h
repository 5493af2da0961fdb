// SPDX-License-Identifier: Apache-2.0
// What the engine hands to the report: the pipeline and its committed tasks. Filled from the
// pipeline file and the journal, without MPI.
#ifndef PIPELINE_REPORT_H
#define PIPELINE_REPORT_H

#include <stddef.h>
#include <stdint.h>

#include "pipeline/config/params.h"
#include "pipeline/store/artefact.h"

typedef struct report_axis {
    const char *name, *value; // "drop", "0.5"
} report_axis;

// A figure that a stage has of its own: its title, and the variable of the artefact that it shows.
// One of two dimensions is a heat map (rows, then columns), of three one for each index of the first
// (six at most); one of one dimension is a curve.
typedef struct stage_figure {
    const char *variable, *title; // NULL: none
} stage_figure;

typedef struct report_task {
    const char *label, *step, *stage;
    const stage_figure *figure; // the stage's own; NULL: none
    const report_axis *axes;    // still swept, in label order
    size_t n_axes;
    const params *params;
    const char *model,
        *data;            // names of the resources, inherited ones too; NULL where there is none
    const size_t *inputs; // indices of upstream tasks
    size_t n_inputs;
    const artefact *artefact;  // NULL: not finished
    const char *artefact_path; // NULL: not finished
    double seconds;            // wall time of the task where it was computed
    double busy; // rank-seconds: of all ranks in its units, and of its owner between rounds
    int64_t units;
    int ranks; // that computed it
} report_task;

typedef struct report_input {
    const char *pipeline; // its name
    const char *pipeline_path;
    const char *pipeline_text; // the file, with what the command line changed
    const char *output;        // the folder; the report goes to OUTPUT/report
    const report_task *tasks;  // in pipeline order
    size_t n_tasks;
    int columns; // of a paper that the PDF and PNG are as wide as: 1, 2, or 0: their own size
    int dpi;     // of the PNG; 0: 192
    double run_seconds; // of the last run
    int run_ranks;
    const char *host;
} report_input;

#endif
