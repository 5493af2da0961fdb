// SPDX-License-Identifier: Apache-2.0
// Rows of an array (all dimensions but the last, flattened) cut into the rectangles that NetCDF
// reads and writes.
#ifndef PIPELINE_STORE_HYPERSLAB_H
#define PIPELINE_STORE_HYPERSLAB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pipeline/store/variable.h"

typedef struct hyperslab {
    size_t start[VARIABLE_MAX_DIMS], count[VARIABLE_MAX_DIMS];
    int64_t rows; // in this rectangle
} hyperslab;

// The largest rectangle that begins at row `first` and holds at most `rows` rows (first and rows in
// range, rows > 0). `lengths` are those of all `dims` dimensions. A pure function.
hyperslab hyperslab_next(int dims, const int64_t *lengths, int64_t first, int64_t rows);

// Rows of an array, and items of one row; a scalar is one row of one item. False when the number of
// items does not fit size_t or int64_t, or a length is negative.
bool hyperslab_shape(int dims, const int64_t *lengths, int64_t *rows, int64_t *row_items);

#endif
