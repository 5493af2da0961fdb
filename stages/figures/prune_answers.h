// SPDX-License-Identifier: Apache-2.0
// The key numbers of a pruning, in words: is it separable, against which control, in which layers?
#ifndef STAGES_FIGURES_PRUNE_ANSWERS_H
#define STAGES_FIGURES_PRUNE_ANSWERS_H

#include "stages/figures/pruning.h"

// Adds a task's line to the figure's key numbers: over the subsets whose goal was reached, with
// their count. Local. ERR_INPUT when a mask cannot be read.
status prune_answers(figure *f, const pruning *p);

#endif
