// SPDX-License-Identifier: Apache-2.0
// Figures 3 and 4, heat maps of `intersect`: the overlap of each pair of subsets at the first of
// its shares, a panel for each task (model).
#ifndef STAGES_FIGURES_FIGURE_OVERLAP_H
#define STAGES_FIGURES_FIGURE_OVERLAP_H

#include "stages/figures/figure.h"

// Reads subset_a, fraction, chance, overlap and p_value. ERR_INPUT where the
// tasks cannot stand in one figure. Local.
figure_draw figure_overlap;

#endif
