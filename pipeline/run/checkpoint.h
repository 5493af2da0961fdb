// SPDX-License-Identifier: Apache-2.0
// Writing the checkpoints of running tasks (pipeline/store/checkpoint_file.h), when their time has
// come (pipeline/schedule/checkpoint_clock.h).
//
// Ranks stop between units and meet, or go on with units of the next stretch; each task's sum and
// bits are reduced to its owner's node, as at the end of a wave, and the owner writes them. So one
// file holds the whole task, whatever ranks or teams added to it and on whatever nodes, and it is
// never half of one moment and half of another.
#ifndef PIPELINE_RUN_CHECKPOINT_H
#define PIPELINE_RUN_CHECKPOINT_H

#include <stdbool.h>

#include "pipeline/run/run_state.h"

// Ranks have met inside a wave: writes the running tasks that have units done since their last
// checkpoint and that have not failed on any rank. What a node's sum holds is afterwards on the
// owner's node; the other nodes go on from zero. Collective. ERR_IO, ERR_INTERNAL.
status checkpoint_wave(run *r);

// The same where units run on in the next stretch (pipeline/schedule/cuts.h) and this one is whole:
// what it holds goes over to the next. Collective; errors as above, the same on all ranks.
status checkpoint_stretch(run *r, int64_t stretch);

// Between waves: writes the rounds that have begun; with `must`, before the run ends, unless there is
// no time for it. Collective. Errors as above.
status checkpoint_rounds(run *r, bool must);

#endif
