// SPDX-License-Identifier: Apache-2.0
#include "model/linear.h"

#include <cblas.h>

#include "model/kernels.h"

linear linear_whole(const float *w, const float *bias, int out, int in)
{
    return (linear){w, bias, in, out, in};
}

linear linear_outputs(const linear *l, int first, int n)
{
    return (linear){l->w + first * l->stride, l->bias ? l->bias + first : NULL, l->in, n,
                    l->stride};
}

linear linear_inputs(const linear *l, int first, int n)
{
    return (linear){l->w + first, NULL, n, l->out, l->stride};
}

void linear_apply(const linear *l, const float *x, int64_t x_stride, int64_t rows, float *y,
                  int64_t y_stride)
{
    kernel_fill_rows(l->bias, rows, l->out, y_stride, y);
    linear_add(l, x, x_stride, rows, y, y_stride);
}

void linear_add(const linear *l, const float *x, int64_t x_stride, int64_t rows, float *y,
                int64_t y_stride)
{
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, (blasint)rows, l->out, l->in, 1.0f, x,
                (blasint)x_stride, l->w, (blasint)l->stride, 1.0f, y, (blasint)y_stride);
}
