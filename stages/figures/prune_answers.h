// SPDX-License-Identifier: Apache-2.0
// The key numbers of prunings, in words: is it separable, against which control, in which layers,
// and by which site?
#ifndef STAGES_FIGURES_PRUNE_ANSWERS_H
#define STAGES_FIGURES_PRUNE_ANSWERS_H

#include "stages/figures/pruning.h"

// Adds a task's line to the figure's key numbers: over the subsets whose goal was reached, with
// their count. Local. ERR_INPUT when a mask cannot be read.
status prune_answers(figure *f, const pruning *p);

// Adds a line for each two finished prunings that differ in their site alone: which separates
// better? Local. ERR_INPUT when one cannot be read.
status prune_answers_sites(const report_input *in, text *numbers);

#endif
