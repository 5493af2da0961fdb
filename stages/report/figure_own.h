// SPDX-License-Identifier: Apache-2.0
// The figure that a stage's descriptor asks for (pipeline/report.h): a heat map or a curve of one
// variable, of one task.
#ifndef STAGES_REPORT_FIGURE_OWN_H
#define STAGES_REPORT_FIGURE_OWN_H

#include "stages/figures/figure.h"

// Can it be drawn: is the variable there, of one to three dimensions, a number?
bool figure_own_fits(const report_task *t);

// Draws the first task's. ERR_INPUT. Local.
figure_draw figure_own;

#endif
