// SPDX-License-Identifier: Apache-2.0
// gnuplot as a child process: what a figure's script needs around its plots, and running it.
#ifndef STAGES_DRAWING_GNUPLOT_H
#define STAGES_DRAWING_GNUPLOT_H

#include <stdbool.h>

#include "pipeline/base/status.h"
#include "pipeline/base/text.h"
#include "stages/drawing/picture.h"

// Begins the script that draws STEM.svg, .png and .pdf, each `width` by `height` units (CSS pixels)
// and then as the picture says, from STEM.csv: the commands up to gnuplot_end are run for each.
// Between them, positions are in the screen's units. The SVG keeps its own size: it is scaled where
// it is shown.
void gnuplot_begin(picture *out, double width, double height);
void gnuplot_end(text *script);

// Margins of the next plot: `left`, `top`, `right`, `bottom` edges of its inside, in units from the
// figure's top left corner.
void gnuplot_place(text *script, double width, double height, double left, double top, double right,
                   double bottom);

// Is there a gnuplot on the PATH that can draw SVG, PNG and PDF? Local; starts it once.
bool gnuplot_present(void);

// Runs the script FOLDER/STEM.gp in its folder. Local. ERR_IO with gnuplot's own words when it
// fails, or when a picture is not whole.
status gnuplot_run(const char *folder, const char *stem);

#endif
