// SPDX-License-Identifier: Apache-2.0
// gnuplot as a child process: what a figure's script needs around its plots, and running it.
#ifndef STAGES_REPORT_GNUPLOT_H
#define STAGES_REPORT_GNUPLOT_H

#include <stdbool.h>

#include "pipeline/base/status.h"
#include "pipeline/base/text.h"

// Begins a script that draws STEM.svg, then STEM.png at twice the size, each `width` by `height`
// units (CSS pixels), from STEM.csv: the commands up to gnuplot_end are run for both. Between them,
// positions are in the screen's units.
void gnuplot_begin(text *script, const char *stem, double width, double height);
void gnuplot_end(text *script);

// Margins of the next plot: `left`, `top`, `right`, `bottom` edges of its inside, in units from the
// figure's top left corner.
void gnuplot_place(text *script, double width, double height, double left, double top, double right,
                   double bottom);

// Is there a gnuplot on the PATH that can draw SVG and PNG? Local; starts it once.
bool gnuplot_present(void);

// Runs the script FOLDER/STEM.gp in its folder. Local. ERR_IO with gnuplot's own words when it
// fails, or when a picture is not whole.
status gnuplot_run(const char *folder, const char *stem);

#endif
