// SPDX-License-Identifier: Apache-2.0
// Figures 1 and 2, heat maps of `prune`: what is left of every subset's accuracy after pruning for
// one of them. A panel for each task (drop), and one for random pruning of as many neurons.
#ifndef STAGES_FIGURES_FIGURE_PRUNE_H
#define STAGES_FIGURES_FIGURE_PRUNE_H

#include "stages/figures/figure.h"

// Reads forget, subset, fraction, pruned, reached, ratio and ratio_random. ERR_INPUT where the
// tasks cannot stand in one figure. Local.
figure_draw figure_prune;

#endif
