// SPDX-License-Identifier: Apache-2.0
// One matrix product, as each engine of products.h is asked for it.
#ifndef MODEL_KERNELS_PRODUCT_SHAPE_H
#define MODEL_KERNELS_PRODUCT_SHAPE_H

#include <stdbool.h>
#include <stdint.h>

#include "model/kernels/packing.h"
#include "model/kernels/product_finish.h"

// y [rows, out] = or += x [rows, in] · wᵀ (+ bias), w one panel of packed weights; x in w's number
// type, y and bias float32; rows of x and y lie x_stride and y_stride values apart. A row's bits do
// not depend on the rows beside it.
typedef struct product_shape {
    packing form;
    int rows, out, in;
    int64_t x_stride, y_stride;
    bool add, bias;               // with both, the bias is added to y first
    const product_finish *finish; // borrowed; NULL: the sums are left as they are
} product_shape;

#endif
