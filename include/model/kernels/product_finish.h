// SPDX-License-Identifier: Apache-2.0
// What becomes of a product's sums as soon as they are whole, block by block, while each is in the
// nearest cache: later, it would be a pass over memory for each step.
#ifndef MODEL_KERNELS_PRODUCT_FINISH_H
#define MODEL_KERNELS_PRODUCT_FINISH_H

#include <stddef.h>
#include <stdint.h>

// For sums y [rows, out]: y = act(y); y *= factor; half = y's nearest bf16, in this order. All
// arrays are borrowed; NULL leaves a step out.
typedef struct product_finish {
    void (*act)(float *x, size_t n); // of model/kernels/activation.h
    const float *factor;             // [rows, out], rows factor_stride apart
    int64_t factor_stride;
    uint16_t *half; // [rows, out], rows half_stride apart
    int64_t half_stride;
} product_finish;

// Finishes `rows` rows of a block: outputs [first, first + n), at y [rows, n], y_stride apart; the
// finish's arrays begin with the same row. `round` is an engine's. Local.
void product_finish_rows(const product_finish *f,
                         void (*round)(const float *x, size_t n, uint16_t *half), int rows,
                         int first, int n, float *y, int64_t y_stride);
// The same product's finish from row `row` on.
product_finish product_finish_from(const product_finish *f, int64_t row);

#endif
