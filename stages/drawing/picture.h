// SPDX-License-Identifier: Apache-2.0
// What a figure's drawing comes to, before gnuplot runs and a page shows it.
#ifndef STAGES_DRAWING_PICTURE_H
#define STAGES_DRAWING_PICTURE_H

#include <stdbool.h>

#include "pipeline/base/text.h"

typedef struct picture {
    char *stem;  // of its files: "figure1", "figure1-site=attn". Owned by whoever has the picture
    int columns; // of a paper that PDF and PNG are as wide as: 1, 2, or 0: their own size
    int dpi;     // of the PNG; 0: 192
    text script, csv; // gnuplot's script, the data as plotted
    text data;        // the same as a JSON object for the page, with the places of panels; or ""
    double width;     // in CSS pixels
    bool drawn;       // are STEM.svg, .png and .pdf there?
} picture;

#endif
