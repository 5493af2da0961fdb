// SPDX-License-Identifier: Apache-2.0
// Rows of unit length, as clusters compare them.
#ifndef STAGES_UNIT_ROWS_H
#define STAGES_UNIT_ROWS_H

#include <stdint.h>

#include "pipeline/base/status.h"

// The squared length, in float64.
double unit_rows_square(const float *x, int64_t width);

// Scales each of n rows of `width` floats to unit length (a zero row stays zero), then subtracts
// the rows' mean, in place. Distances between rows are those of the unit rows; the shift only keeps
// float32 products accurate. ERR_NUMERIC where a row is not finite. Local.
status unit_rows_prepare(float *rows, int64_t n, int64_t width);

// Sum over rows of the squared distance to their cluster's mean, in float64; label in [0, k).
// Local.
status unit_rows_inertia(const float *rows, int64_t n, int64_t width, int k, const int32_t *label,
                         double *inertia);

#endif
