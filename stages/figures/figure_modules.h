// SPDX-License-Identifier: Apache-2.0
// Figures of clusterings, curves over layers: the modularity of communities beside that of rewired
// graphs (`cluster`), and how far pairs of clusterings agree beside permuted labels (`agreement`).
#ifndef STAGES_FIGURES_FIGURE_MODULES_H
#define STAGES_FIGURES_FIGURE_MODULES_H

#include "stages/figures/figure.h"

// Reads communities, modularity, modularity_null and modularity_p; a curve for each task (model).
// Local.
figure_draw figure_modularity;
// Reads clustering_a, clustering_b, and all of ari and nmi; a curve for each pair of the first
// task, two panels. Local.
figure_draw figure_agreement;

#endif
