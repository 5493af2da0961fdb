// SPDX-License-Identifier: Apache-2.0
// Heat map of `intersect` from two steps of scores: which sets of the first meet which of the
// second at the first of its shares.
#ifndef STAGES_FIGURES_FIGURE_BETWEEN_H
#define STAGES_FIGURES_FIGURE_BETWEEN_H

#include "stages/figures/figure.h"

// Of the figure's one task: reads subset_a, subset_b, fraction, chance, overlap_between, p_between
// and the two means. Local.
figure_draw figure_between;

#endif
