// SPDX-License-Identifier: Apache-2.0
// Heat map of `enrichment`: the clusters that hold more of some subset's neurons than chance would,
// by name, against the subsets, at the first of the shares.
#ifndef STAGES_FIGURES_FIGURE_ENRICHMENT_H
#define STAGES_FIGURES_FIGURE_ENRICHMENT_H

#include "stages/figures/figure.h"

// Of the figure's one task: reads subset, fraction, neurons, size, hits, enrichment, p_value and
// enriched. Local.
figure_draw figure_enrichment;

#endif
