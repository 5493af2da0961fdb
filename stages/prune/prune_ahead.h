// SPDX-License-Identifier: Apache-2.0
// What a running pruning has before it.
#ifndef STAGES_PRUNE_PRUNE_AHEAD_H
#define STAGES_PRUNE_PRUNE_AHEAD_H

#include "stages/prune/prune_round.h"

// Units that are likely to follow a round; negative where nothing is known yet. Local.
int64_t prune_ahead_units(const prune_setting *s, const round_state *round);

#endif
