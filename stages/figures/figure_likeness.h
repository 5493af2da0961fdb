// SPDX-License-Identifier: Apache-2.0
// The figure of how alike subsets share neurons in two artefacts of overlaps.
#ifndef STAGES_FIGURES_FIGURE_LIKENESS_H
#define STAGES_FIGURES_FIGURE_LIKENESS_H

#include "stages/figures/figure.h"

status figure_likeness(figure *f);

#endif
