// SPDX-License-Identifier: Apache-2.0
// A wave: the units of one round of several tasks, as one list that all ranks work through; it ends
// with each task's sum on its owner's node.
#ifndef PIPELINE_RUN_WAVE_H
#define PIPELINE_RUN_WAVE_H

#include "pipeline/run/run_state.h"

typedef struct wave wave;

// In a round -> summed: runs the units of the running tasks' rounds, of as many tasks, in order, as
// the node's memory allows sums for (at least one; the others wait). Tasks whose units or sums fail
// are ended; the others are summed, and their sums live until wave_free. Collective; the status is
// for what goes beyond a task, and then *out is NULL.
status wave_run(run *r, wave **out);
// Collective. NULL is a no-op.
void wave_free(run *r, wave *w);

#endif
