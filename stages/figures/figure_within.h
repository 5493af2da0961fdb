// SPDX-License-Identifier: Apache-2.0
// Figures of `intersect` with `within: layer`: how much the neurons of subsets overlap in each
// layer, over all pairs (curves, one a model), and pair by pair (a heat map, a panel a model).
#ifndef STAGES_FIGURES_FIGURE_WITHIN_H
#define STAGES_FIGURES_FIGURE_WITHIN_H

#include "stages/figures/figure.h"

// Read fraction, subset_a, overlap_within, overlap_within_mean, chance_within, p_within and
// p_within_mean. ERR_INPUT where the tasks cannot stand in one figure. Local.
figure_draw figure_within;
figure_draw figure_within_pairs;

#endif
