// SPDX-License-Identifier: Apache-2.0
// Waiting -> ready, or straight to an end: which tasks must run. Rank 0 computes the keys of the
// tasks whose inputs are there, asks the journal and the disk, and tells all.
#ifndef PIPELINE_RUN_READINESS_H
#define PIPELINE_RUN_READINESS_H

#include "pipeline/run/run_state.h"

// Moves waiting tasks on: to ready, skipped, failed (no key: an input file is missing), blocked or
// left out. Collective. ERR_USAGE when a task needs one that was left out; ERR_INTERNAL.
status readiness_update(run *r);

#endif
