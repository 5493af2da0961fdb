// SPDX-License-Identifier: Apache-2.0
// Curves with bands: panels of the same axes, each with one or more curves.
#ifndef STAGES_DRAWING_CURVES_H
#define STAGES_DRAWING_CURVES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pipeline/base/status.h"
#include "stages/drawing/picture.h"

// What a curve has at one place. NaN where it has none: that part is not drawn.
typedef struct curve_point {
    double x, mean, median, std, min, max;
    double chance;    // what chance gives, or a search seeks: a dashed grey line
    double low, high; // the interval of the mean
} curve_point;

typedef struct curve {
    size_t panel;       // ascending over the list
    char *label;        // owned
    curve_point *point; // owned [points]
    int64_t points;
    int colour; // 0, 1, 2, …: of a palette that the colour-blind can tell apart
} curve;

// All pointers borrowed.
typedef struct curves {
    char *const *panel_title;
    size_t panels; // three in a line, two where there are four
    const curve *curve;
    size_t n;
    const char *x_title, *y_title, *x_field;
    double x_low, x_high;
    const double *low, *high; // [panels] of y
    double x_step;            // between ticks; 0: gnuplot's choice
    bool spread;              // curves have median, min and max: draw and explain them
    const char *grey;         // what the dashed grey line is; NULL: there is none
    const char *const *key;   // [colours] what a colour means; NULL: what its first curve is called
} curves;

// A point that has nothing but a mean.
curve_point curves_point(double x, double mean);

// Puts a curve's points in the order of x.
void curves_sort(curve *c);

// Frees a list of n curves and what they own; NULL is a no-op.
void curves_free(curve *list, size_t n);

// Fills the picture; its CSV has a line a point:
// panel,curve,X,mean,median,std,min,max,chance,low,high,panel_title,label. Local.
void curves_write(const curves *c, picture *out);

#endif
