// SPDX-License-Identifier: Apache-2.0
// `sulcus run`: brings every task of a pipeline to its committed artefact, on all ranks together.
#ifndef PIPELINE_RUN_RUN_H
#define PIPELINE_RUN_RUN_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

#include "pipeline/base/status.h"
#include "pipeline/comm/comm.h"
#include "pipeline/dag/dag.h"
#include "pipeline/stage.h"

typedef struct run_options {
    const char *pipeline; // path of the file
    const char *const *overrides;
    size_t n_overrides;
    dag_selection selection;
    bool quiet;
    const char *command; // the command line, for the record
    // Tells the program where its signal handlers shall note that the run must stop, and that it
    // has only a second for it; NULL: nowhere any more.
    void (*watch_signals)(atomic_bool *stopping, atomic_bool *hurry);
} run_options;

// Runs what is not finished, or nothing. Collective; the same status and text on all ranks.
// ERR_INTERRUPTED when a signal stopped it: the same command continues.
status run_pipeline(comm *c, const registry *r, const run_options *o);

#endif
