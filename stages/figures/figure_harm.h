// SPDX-License-Identifier: Apache-2.0
// The figure of what unlearning costs the others by each measure: a row a measure, at the same drop.
#ifndef STAGES_FIGURES_FIGURE_HARM_H
#define STAGES_FIGURES_FIGURE_HARM_H

#include "stages/figures/figure.h"

status figure_harm(figure *f);

// Is it a search beside one that differs in its `measure`?
bool figure_harm_fits(const report_input *in, const report_task *t);

#endif
