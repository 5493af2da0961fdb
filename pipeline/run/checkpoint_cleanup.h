// SPDX-License-Identifier: Apache-2.0
// Checkpoints that nobody will go on from.
#ifndef PIPELINE_RUN_CHECKPOINT_CLEANUP_H
#define PIPELINE_RUN_CHECKPOINT_CLEANUP_H

#include "pipeline/run/run_state.h"

// Rank 0, when work begins: removes what killed runs left half written, artefacts too, and the
// checkpoints of finished tasks. Local. ERR_IO.
status checkpoint_clean(const run *r);

// Removes the checkpoint of a finished task. Local; failures are nothing.
void checkpoint_forget(const char *output, const task *t);

#endif
