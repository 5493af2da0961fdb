// SPDX-License-Identifier: Apache-2.0
// The figures of a report, in the order of the paper.
#ifndef STAGES_REPORT_FIGURES_H
#define STAGES_REPORT_FIGURES_H

#include "stages/figures/figure.h"

// Plans the figures of the finished tasks; nothing is drawn yet. *figures is one block of *n, owned
// by the caller (figures_free); borrows `in`. Local. Fails when out of memory; figures_free is safe
// then too.
status figures_plan(const report_input *in, figure **figures, size_t *n);
void figures_free(figure *figures, size_t n);

#endif
