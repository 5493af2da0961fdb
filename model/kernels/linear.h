// SPDX-License-Identifier: Apache-2.0
// Linear maps on rows: float32 matrices by a single-threaded BLAS, packed ones by products.h.
#ifndef MODEL_KERNELS_LINEAR_H
#define MODEL_KERNELS_LINEAR_H

#include <stddef.h>
#include <stdint.h>

#include "model/kernels/packed.h"
#include "model/kernels/products.h"
#include "pipeline/base/status.h"

// y = W x + bias. Either `w` holds `out` rows of `in` columns, `stride` apart; or `packed` holds
// them, from output first_out and input first_in on, and `w` is NULL.
typedef struct linear {
    const float *w;
    const float *bias; // [out]; NULL: none
    int in, out;
    int64_t stride;
    packed packed;
    int first_out, first_in;
} linear;

// Rows that go into products: float32 as they are, or their nearest bf16.
typedef struct operand {
    const float *x;       // NULL: only for maps that are packed as bf16
    const uint16_t *half; // NULL: only for others
    int64_t stride, half_stride, rows;
} operand;

// A whole matrix [out, in], borrowed, as is the bias [out] (NULL: none).
linear linear_whole(const float *w, const float *bias, int out, int in);
linear linear_packed(const packed *w, const float *bias);
// The part that makes outputs [first, first + n); `first` is a multiple of PACK_OUTPUTS.
linear linear_outputs(const linear *l, int first, int n);
// The part that reads inputs [first, first + n), with the bias where they are the first ones; `first` is a multiple of
// PACK_PANEL, and [first, first + n) whole panels of the matrix.
linear linear_inputs(const linear *l, int first, int n);

// Rows for maps of a form: those of x [rows, width], `stride` apart, and, where the form is bf16,
// rounded into `copy` [rows, width], of linear_copy_bytes. Borrows x and copy. `p` is the
// thread's; unused where the form is not bf16.
operand linear_operand(const products *p, packing form, const float *x, int64_t stride,
                       int64_t rows, int width, void *copy);
size_t linear_copy_bytes(packing form, int64_t rows, int width);

// y[r, :] = W x[r, :] + bias for all rows of x, finished (NULL: nothing follows); y's rows lie
// y_stride apart. `p` is the thread's; unused where the map is not packed. ERR_INTERNAL as
// products_run. Local.
status linear_apply(products *p, const linear *l, const operand *x, const product_finish *finish,
                    float *y, int64_t y_stride);
// y[r, :] += W x[r, :] + bias.
status linear_add(products *p, const linear *l, const operand *x, float *y, int64_t y_stride);

#endif
