// SPDX-License-Identifier: Apache-2.0
// Annotated heat maps: panels of the same rows and columns under one colour scale.
#ifndef STAGES_DRAWING_HEATMAP_H
#define STAGES_DRAWING_HEATMAP_H

#include <stddef.h>
#include <stdint.h>

#include "stages/drawing/picture.h"

typedef enum heatmap_palette {
    PALETTE_LOSS,  // white at the high end: dark cells have lost
    PALETTE_SHARE, // white at the low end: dark cells share
} heatmap_palette;

// All owned. What is only for who points at a cell may be NULL.
typedef struct heatmap_panel {
    char *title;
    const char *task;   // its label; borrowed
    double *value;      // [rows][columns]; NaN is drawn grey
    double *low, *high; // [rows][columns] the ends of its interval
    double *p;          // [rows][columns] what chance gives
    double *n;          // [rows] answers behind it
    uint8_t *missed;    // [columns] 1: hatched
} heatmap_panel;

// All pointers borrowed.
typedef struct heatmap {
    int64_t rows, columns;
    char *const *row_name, *const *column_name;
    const uint8_t *own;                                 // [rows][columns] 1: framed; NULL: none
    const char *row_title, *column_title;               // of the axes
    const char *row_field, *column_field, *value_field; // of the CSV's header
    const heatmap_panel *panel;
    size_t panels, across; // side by side in a line
    heatmap_palette palette;
    double low, high; // of the scale; values beyond are drawn as its ends, and written as they are
    const char *scale_title;
    int digits; // of the numbers in cells, behind the point
} heatmap;

// Frees a list of n panels and what they own; NULL is a no-op.
void heatmap_free_panels(heatmap_panel *list, size_t n);

// Fills the picture: its script, its CSV (a line a cell, NaN cells too:
// panel,row_index,column_index,own,VALUE,missed,PANEL,ROW,COLUMN), its JSON for the page and its
// width. Local.
void heatmap_write(const heatmap *asked, picture *out);

#endif
