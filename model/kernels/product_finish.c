// SPDX-License-Identifier: Apache-2.0
// Blocks of results without gaps are activated at once, others row by row.
#include "model/kernels/product_finish.h"

#include <stdbool.h>

#include "model/kernels/kernels.h"

product_finish product_finish_from(const product_finish *f, int64_t row)
{
    product_finish from = *f;
    from.factor = f->factor ? f->factor + row * f->factor_stride : NULL;
    from.half = f->half ? f->half + row * f->half_stride : NULL;
    return from;
}

void product_finish_rows(const product_finish *f,
                         void (*round)(const float *x, size_t n, uint16_t *half), int rows,
                         int first, int n, float *y, int64_t y_stride)
{
    const bool dense = y_stride == n;
    const size_t all = (size_t)rows * (size_t)n;
    if (f->act && dense)
        f->act(y, all);
    if (f->factor && dense && f->factor_stride == n)
        kernel_multiply(f->factor, all, y);
    for (int r = 0; r < rows; r++, y += y_stride) {
        if (f->act && !dense)
            f->act(y, (size_t)n);
        if (f->factor && !(dense && f->factor_stride == n))
            kernel_multiply(f->factor + r * f->factor_stride + first, (size_t)n, y);
        if (f->half)
            round(y, (size_t)n, f->half + r * f->half_stride + first);
    }
}
