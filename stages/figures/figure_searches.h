// SPDX-License-Identifier: Apache-2.0
// Figure 7, curves of `prune` with a drop: what every search saw, accuracy against the share of
// neurons pruned. A panel for each task.
#ifndef STAGES_FIGURES_FIGURE_SEARCHES_H
#define STAGES_FIGURES_FIGURE_SEARCHES_H

#include "stages/figures/figure.h"

// Reads what figure_prune reads, and accuracy_base, trace_fraction and trace_accuracy. Local.
figure_draw figure_searches;

#endif
