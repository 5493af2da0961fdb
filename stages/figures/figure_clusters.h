// SPDX-License-Identifier: Apache-2.0
// Figure 6, curves of `intersect` with clusters: how strongly the neurons of a subset gather in few
// clusters, layer by layer. A panel for each share (six at most), a curve for each task.
#ifndef STAGES_FIGURES_FIGURE_CLUSTERS_H
#define STAGES_FIGURES_FIGURE_CLUSTERS_H

#include "stages/figures/figure.h"

// Reads fraction, auc and auc_chance. ERR_INPUT where the
// tasks cannot stand in one figure. Local.
figure_draw figure_clusters;

#endif
