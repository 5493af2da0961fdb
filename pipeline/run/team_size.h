// SPDX-License-Identifier: Apache-2.0
// How many ranks make a team: what `layers_over` says, or for `auto` the fewest with which the
// nodes can hold the models.
#ifndef PIPELINE_RUN_TEAM_SIZE_H
#define PIPELINE_RUN_TEAM_SIZE_H

#include "pipeline/run/resource_use.h"

// Forms the teams of a run, if they are of more than one rank (*n), each of `threads` threads; a
// node's sums and models may take `memory` bytes. Tells `u` what each resource takes. Collective.
// ERR_USAGE on all ranks where the number of ranks is no multiple, or where none fits.
status team_size_form(comm *c, const pipeline_file *f, resource_use *u, double memory, int threads,
                      int *n);

// Bytes of the largest part that a member of a team of `parts` holds of all that is shared out:
// what a node holds once, where it has one member of a team. Resources are open, or light. 0 where
// something cannot be shared out to so many. Local.
double team_size_part(const pipeline_file *f, int parts);

#endif
