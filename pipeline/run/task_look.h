// SPDX-License-Identifier: Apache-2.0
// A look at what the tasks of a run will open, before any of them begins.
#ifndef PIPELINE_RUN_TASK_LOOK_H
#define PIPELINE_RUN_TASK_LOOK_H

#include "pipeline/run/run_state.h"

// Fails the tasks to come whose inputs are wrong as far as headers and first records show, and says
// what is to be known of the others. Collective; fails alike on all ranks.
status task_look(run *r);

#endif
