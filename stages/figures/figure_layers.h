// SPDX-License-Identifier: Apache-2.0
// Figure 8, heat maps of `prune`: the share of each layer's neurons that is pruned for each subset.
// A panel for each task and site.
#ifndef STAGES_FIGURES_FIGURE_LAYERS_H
#define STAGES_FIGURES_FIGURE_LAYERS_H

#include "stages/figures/figure.h"

// Reads forget, mlp_mask and attn_mask. ERR_INPUT where the tasks cannot stand in one figure.
// Local.
figure_draw figure_layers;

#endif
