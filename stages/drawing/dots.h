// SPDX-License-Identifier: Apache-2.0
// Dots in rows that have names: panels of the same rows, each with an axis of its own. A row has a
// mean with a bar behind it, and the values that it is of.
#ifndef STAGES_DRAWING_DOTS_H
#define STAGES_DRAWING_DOTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "stages/drawing/picture.h"

// What a row has in a panel; NaN where it has none.
typedef struct dots_mean {
    double value, low, high; // low, high: the ends of the bar
    char *note;              // at the end of the line of panels; owned; NULL: none
} dots_mean;

// One of the values.
typedef struct dots_value {
    size_t panel;
    int64_t row;
    double value;
    bool missed;      // drawn as a cross: it is in no mean
    const char *name; // of what it is; borrowed
} dots_value;

// All pointers borrowed.
typedef struct dots {
    int64_t rows;
    char *const *row_name;
    size_t panels, across;      // side by side in a line
    char *const *panel_title;   // [panels]
    const char *const *x_title; // [panels]
    bool common;                // all panels have one axis
    const dots_mean *mean;      // [panels][rows]
    const dots_value *value;
    size_t n;
    const char *note_title; // above the notes; NULL: there are none
    const char *row_field;  // of the CSV's header
    const char *const *key; // lines below that say what is what, ended by NULL
} dots;

// Fills the picture; its CSV has a line a value, and a line a mean (what: mean, value, missed):
// panel,row,what,value,low,high,panel_title,ROW,name. Local.
void dots_write(const dots *d, picture *out);

#endif
