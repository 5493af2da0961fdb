// SPDX-License-Identifier: Apache-2.0
// Linear maps on rows, by single-threaded BLAS.
#ifndef MODEL_LINEAR_H
#define MODEL_LINEAR_H

#include <stdint.h>

// y = W x + bias. `w` holds `out` rows of `in` columns, `stride` apart.
typedef struct linear {
    const float *w;
    const float *bias; // [out]; NULL: none
    int in, out;
    int64_t stride;
} linear;

// A whole matrix [out, in].
linear linear_whole(const float *w, const float *bias, int out, int in);
// The part that makes outputs [first, first + n).
linear linear_outputs(const linear *l, int first, int n);
// The part that reads inputs [first, first + n), without the bias.
linear linear_inputs(const linear *l, int first, int n);

// y[r, :] = W x[r, :] + bias for `rows` rows of x and y, which lie x_stride and y_stride apart.
// Local.
void linear_apply(const linear *l, const float *x, int64_t x_stride, int64_t rows, float *y,
                  int64_t y_stride);
// y[r, :] += W x[r, :]; the bias is left out.
void linear_add(const linear *l, const float *x, int64_t x_stride, int64_t rows, float *y,
                int64_t y_stride);

#endif
