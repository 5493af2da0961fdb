// SPDX-License-Identifier: Apache-2.0
// `sulcus doctor`: tries what a run needs of the machine (launch, nodes, signals, threads, shared
// memory and its room, copies between ranks, folder, and what the program's libraries check), and
// prints for each what it found or the line that mends it.
#ifndef PIPELINE_COMMANDS_DOCTOR_H
#define PIPELINE_COMMANDS_DOCTOR_H

#include "pipeline/base/status.h"
#include "pipeline/comm/comm.h"
#include "pipeline/stage.h"

// Prints on rank 0's stdout. `folder`: where runs will write; it is created when it is missing.
// Collective. Returns the first failure, the same on all ranks.
status doctor(comm *c, const registry *r, const char *folder);

#endif
