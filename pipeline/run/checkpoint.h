// SPDX-License-Identifier: Apache-2.0
// When a task's checkpoint (saved.h) is written, and how a task goes on from one.
//
// Ranks stop between units and meet; each task's sum and bits are reduced to its owner's node, as
// at the end of a wave, and the owner writes them. So one file holds the whole task, whatever ranks
// or teams added to it and on whatever nodes, and it is never half of one moment and half of
// another. What that costs once all have met is counted, and the next time comes when it is below
// 2% of the run's time. What ranks wait for the last unit to end, and a team for its stream to be
// empty, is not: it would stretch the interval, and so what a kill loses, to minutes.
#ifndef PIPELINE_RUN_CHECKPOINT_H
#define PIPELINE_RUN_CHECKPOINT_H

#include <stdbool.h>

#include "pipeline/run/run_state.h"
#include "pipeline/run/running_task.h"

// Sets the clock, when work begins; rank 0 removes what killed runs left half written, and the
// checkpoints of finished tasks. Collective. ERR_IO.
status saving_begin(run *r);

// Is it time to meet, by this rank's clock? A few nanoseconds. Local.
bool saving_due(const run *r);

// Ranks have met inside a wave: writes the active tasks that have units done since their last
// checkpoint and that have not failed on any rank. What a node's sum holds is afterwards on the
// owner's node; the other nodes go on from zero. Collective. ERR_IO, ERR_INTERNAL.
status saving_wave(run *r);

// Between waves: writes the rounds that have begun, where it is time to (`must`: always; before the
// run ends). Collective. Errors as above.
status saving_rounds(run *r, bool must);

// Takes up the checkpoint of a task just opened, where there is one under its key: its round,
// vector, plan, `before`, `done`, and on the owner `from`. One that is damaged is passed over.
// Collective. ERR_INTERNAL, or what `plan` returns.
status saving_resume(run *r, active *a);
// On the owner, once the wave's memory is laid out: puts the sum and the bits of `from` there.
// Local.
void saving_restore(active *a);

// Removes the checkpoint of a finished task. Local; failures are nothing.
void saving_forget(const run *r, const task *t);

#endif
