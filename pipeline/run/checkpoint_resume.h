// SPDX-License-Identifier: Apache-2.0
// How a task goes on from its checkpoint.
#ifndef PIPELINE_RUN_CHECKPOINT_RESUME_H
#define PIPELINE_RUN_CHECKPOINT_RESUME_H

#include "pipeline/run/running_task.h"

// The owner of a task just opened: opens its checkpoint, `from`, where there is one under its key;
// `found`: that, or a damaged one. Local.
status checkpoint_find(run *r, running_task *a);
// Takes up what its owner has found: its round, vector, plan, `before`, `done`; the task is then in
// that round. One that is damaged is passed over. Collective. ERR_INTERNAL, or what `plan` returns.
status checkpoint_resume(run *r, running_task *a);
// On the owner, once the wave's memory is laid out: puts the sum and the bits of `from` there.
// Local. ERR_IO: somebody cut the file meanwhile.
status checkpoint_restore(running_task *a);

#endif
