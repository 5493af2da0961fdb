// SPDX-License-Identifier: Apache-2.0
// How a task goes on from its checkpoint.
#ifndef PIPELINE_RUN_CHECKPOINT_RESUME_H
#define PIPELINE_RUN_CHECKPOINT_RESUME_H

#include "pipeline/run/running_task.h"

// Takes up the checkpoint of a task just opened, where there is one under its key: its round,
// vector, plan, `before`, `done`, and on the owner `from`; the task is then in that round. One that
// is damaged is passed over. Collective. ERR_INTERNAL, or what `plan` returns.
status checkpoint_resume(run *r, running_task *a);
// On the owner, once the wave's memory is laid out: puts the sum and the bits of `from` there.
// Local. ERR_IO: somebody cut the file meanwhile.
status checkpoint_restore(running_task *a);

#endif
