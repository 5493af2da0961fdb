// SPDX-License-Identifier: Apache-2.0
// What was installed beside the program: examples, and what copies or tries them.
#ifndef PIPELINE_COMMANDS_INSTALLED_H
#define PIPELINE_COMMANDS_INSTALLED_H

#include <stdio.h>

#include "pipeline/base/status.h"
#include "pipeline/comm/comm.h"
#include "pipeline/run/run_options.h"
#include "pipeline/stage.h"

// `sulcus quickstart`: copies the example pipeline with its models and data into a folder, and says
// how to run it. What is there already stays; ERR_USAGE where it differs. Local.
status installed_copy(const char *folder, FILE *out);

// `sulcus --smoke`: runs a pipeline of seconds in a temporary folder, and holds its numbers against
// known ones. Collective; the ranks must be of one machine. ERR_NUMERIC names what differs; ERR_INPUT
// where the examples were not installed.
status installed_smoke(comm *c, const registry *r, stop_watch *watch_signals, FILE *out);

#endif
