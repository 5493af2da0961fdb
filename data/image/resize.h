// SPDX-License-Identifier: Apache-2.0
// Resizing of 8-bit images, bit-equal to Pillow's Image.resize for bilinear and bicubic.
//
// An output pixel is a weighted mean of the input pixels under a filter centred on it; when
// shrinking, the filter is stretched by the factor, so that all input pixels count. The weights of
// a pixel are computed in double, scaled to sum 1, and rounded (half away from zero) to 22 fraction
// bits; sums are integers that start at one half and are cut to 0..255. First all rows are resized
// to the new width and rounded to 8 bits, then all columns to the new height. A direction that
// keeps its size is left alone.
//
// This is Pillow up to 12. Pillow 13 takes columns first where the height shrinks much more than
// the width; its results then differ by 1 in some pixels.
#ifndef DATA_IMAGE_RESIZE_H
#define DATA_IMAGE_RESIZE_H

#include "data/image/image.h"
#include "pipeline/base/status.h"

// A filter: Pillow's number of it, its reach (in output pixels; input pixels when enlarging), and
// its weight at x.
typedef struct resize_filter {
    const char *name;
    int number;
    double reach;
    double (*weight)(double x);
} resize_filter;

// The filter with Pillow's number (2 bilinear, 3 bicubic with a = -1/2); NULL for any other.
const resize_filter *resize_find(int number);

// Resizes `in` to height × width (both at least 1) into `out`, another image, reusing its memory.
// Local, thread-safe. ERR_INTERNAL when out of memory.
status resize(const image *in, const resize_filter *filter, int height, int width, image *out);

#endif
