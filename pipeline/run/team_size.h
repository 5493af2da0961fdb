// SPDX-License-Identifier: Apache-2.0
// How many ranks make a team: what `layers_over` says, or for `auto` the fewest with which the
// nodes can hold the models.
#ifndef PIPELINE_RUN_TEAM_SIZE_H
#define PIPELINE_RUN_TEAM_SIZE_H

#include "pipeline/run/run_state.h"

// Forms the teams of a run, if they are of more than one rank, each of `threads` threads.
// Collective. ERR_USAGE on all ranks where the number of ranks is no multiple, or where none fits.
status team_size_set(run *r, int threads);

// Bytes of the largest part that a member of a team of `parts` holds of all that is shared out:
// what a node holds once, where it has one member of a team. Resources are open, or light. 0 where
// something cannot be shared out to so many.
double team_size_part(const pipeline_file *f, int parts);

// Bytes that a node needs for all that the pipeline's teams of `parts` share out, where the ranks
// in places [first, first + ranks) of the order by nodes sit on it. Resources are open, or light.
double team_size_bytes(const pipeline_file *f, int parts, int first, int ranks, int threads);

#endif
