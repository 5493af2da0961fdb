// SPDX-License-Identifier: Apache-2.0
// The report's page: one HTML file that needs nothing else, with the figures' SVG inside.
#ifndef STAGES_REPORT_REPORT_HTML_H
#define STAGES_REPORT_REPORT_HTML_H

#include "stages/figures/figure.h"

// Adds the whole page to *page. A drawn figure's picture is read from FOLDER/STEM.svg. Local.
// ERR_INPUT when it cannot be read.
status report_html(const report_input *in, const figure *figures, size_t n, const char *folder,
                   text *page);

// An SVG file's text as an element inside HTML: without its prolog, and with every id made the
// figure's own, so that pictures in one page do not borrow each other's marks. Adds to *out;
// ERR_INPUT when there is no <svg> in it.
status report_html_svg(const char *svg, const char *stem, text *out);

#endif
