// SPDX-License-Identifier: Apache-2.0
// Curves over layers, as several figures have them: what they fill in themselves are the values.
#ifndef STAGES_FIGURES_LAYER_CURVES_H
#define STAGES_FIGURES_LAYER_CURVES_H

#include "stages/drawing/curves.h"
#include "stages/figures/figure.h"

// A whole variable of a task's artefact as numbers; *n of them, where it is not NULL. *out is one
// block, owned by the caller. ERR_INPUT when it is missing. Local.
status layer_curves_read(const report_task *t, const char *name, int64_t *n, double **out);

// A curve of so many layers, with nothing in it but its label (copied). Fails when out of memory;
// curves_free is safe then too.
status layer_curves_begin(curve *out, int64_t layers, size_t panel, int colour, const char *label);

// Draws n curves into the figure's picture, in panels with these titles; all have one scale where
// `common`. Colours are 0, 1, … in each panel, and mean the same in all. Fails when out of memory.
status layer_curves_draw(figure *f, const curve *c, size_t n, char *const *title, size_t panels,
                         bool common, const char *y_title);

// The mean over layers of what is not NaN.
double layer_curves_mean(const curve *c);

#endif
