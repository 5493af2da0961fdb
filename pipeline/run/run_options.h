// SPDX-License-Identifier: Apache-2.0
// What `sulcus run` was asked for.
#ifndef PIPELINE_RUN_RUN_OPTIONS_H
#define PIPELINE_RUN_RUN_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>

#include "pipeline/dag/dag_select.h"
#include "pipeline/schedule/stop.h"

typedef struct run_options {
    const char *pipeline; // path of the file
    const char *const *overrides;
    size_t n_overrides;
    dag_selection selection;
    bool quiet;
    const char *command; // the command line, for the record
    stop_watch *watch_signals;
} run_options;

#endif
