// SPDX-License-Identifier: Apache-2.0
// Figure 5, curves of `intersect`: the overlap over all pairs as the selected share grows, a panel
// for each task (model), and the difference where there are two of the same shares.
#ifndef STAGES_FIGURES_FIGURE_GROWTH_H
#define STAGES_FIGURES_FIGURE_GROWTH_H

#include "stages/figures/figure.h"

// Reads fraction, chance and overlap_mean, _median, _std, _min and _max. ERR_INPUT where the
// tasks cannot stand in one figure. Local.
figure_draw figure_growth;

#endif
