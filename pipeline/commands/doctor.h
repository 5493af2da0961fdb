// SPDX-License-Identifier: Apache-2.0
// `sulcus doctor`: tries what a run needs of the machines (launch, nodes, signals, threads, shared
// memory and its room, copies between ranks, clocks, folder, a pipeline's models and data, and what
// the program's libraries check), on every node, and prints for each what it found or the line that
// mends it.
#ifndef PIPELINE_COMMANDS_DOCTOR_H
#define PIPELINE_COMMANDS_DOCTOR_H

#include "pipeline/base/status.h"
#include "pipeline/comm/comm.h"
#include "pipeline/stage.h"

// Prints on rank 0's stdout. `where`: a pipeline file (.yaml or .yml), or the folder where runs will
// write; that folder, or the pipeline's, is created when it is missing. Collective. Returns the first
// failure, the same on all ranks; ERR_USAGE for the pipeline file.
status doctor(comm *c, const registry *r, const char *where, const char *const *overrides,
              size_t n_overrides);

#endif
