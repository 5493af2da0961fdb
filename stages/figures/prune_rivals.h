// SPDX-License-Identifier: Apache-2.0
// Key numbers of two prunings that differ in one thing alone: which site separates better, and what
// does another value than zero do in the place of pruned neurons?
#ifndef STAGES_FIGURES_PRUNE_RIVALS_H
#define STAGES_FIGURES_PRUNE_RIVALS_H

#include "stages/figures/figure.h"

// Adds a line for each two finished prunings of the same scores that differ in their site alone, or
// in their value alone; they may be of two steps. Local. ERR_INPUT when one cannot be read.
status prune_rivals(const report_input *in, text *numbers);

#endif
