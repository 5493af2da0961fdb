// SPDX-License-Identifier: Apache-2.0
// Callers cut maps by outputs and inputs and need not know how weights are held. Packed ones are
// run panel by panel, since a product reads one panel.
#include "model/kernels/linear.h"

#include <cblas.h>
#include <stdbool.h>

#include "model/kernels/bfloat16.h"
#include "model/kernels/kernels.h"

linear linear_whole(const float *w, const float *bias, int out, int in)
{
    return (linear){.w = w, .bias = bias, .in = in, .out = out, .stride = in};
}

linear linear_packed(const packed *w, const float *bias)
{
    return (linear){.bias = bias, .in = w->in, .out = w->out, .packed = *w};
}

linear linear_outputs(const linear *l, int first, int n)
{
    linear part = *l;
    part.w = l->w ? l->w + first * l->stride : NULL;
    part.bias = l->bias ? l->bias + first : NULL;
    part.out = n;
    part.first_out += first;
    return part;
}

linear linear_inputs(const linear *l, int first, int n)
{
    linear part = *l;
    part.w = l->w ? l->w + first : NULL;
    part.bias = first == 0 ? l->bias : NULL;
    part.in = n;
    part.first_in += first;
    return part;
}

size_t linear_copy_bytes(packing form, int64_t rows, int width)
{
    return form == PACKING_BF16 ? (size_t)rows * (size_t)width * sizeof(uint16_t) : 0;
}

operand linear_operand(const products *p, packing form, const float *x, int64_t stride,
                       int64_t rows, int width, void *copy)
{
    if (form != PACKING_BF16)
        return (operand){x, NULL, stride, 0, rows};
    uint16_t *half = copy;
    if (stride == width)
        products_round(p, x, (size_t)rows * (size_t)width, half);
    for (int64_t r = 0; stride != width && r < rows; r++)
        products_round(p, x + r * stride, (size_t)width, half + r * width);
    return (operand){x, half, stride, width, rows};
}

// The panels of a packed map one after the other; the first one overwrites y where `add` is false.
static status run_packed(products *p, const linear *l, const operand *x, bool add,
                         const product_finish *finish, float *y, int64_t y_stride)
{
    status st = OK;
    const bool half = l->packed.form == PACKING_BF16;
    product_shape shape = {.form = l->packed.form, .rows = (int)x->rows, .out = l->out};
    shape.x_stride = half ? x->half_stride : x->stride;
    shape.y_stride = y_stride;
    for (int input = 0; input < l->in; input += PACK_PANEL) {
        const int panel = (l->first_in + input) / PACK_PANEL;
        const void *from = half ? (const void *)(x->half + input) : x->x + input;
        shape.in = packed_panel_inputs(&l->packed, panel);
        shape.add = add || input > 0;
        shape.bias = l->bias && input == 0;
        shape.finish = input + PACK_PANEL >= l->in ? finish : NULL;
        TRY(products_run(p, &shape, from, packed_part(&l->packed, l->first_out, panel), l->bias,
                         y));
    }
done:
    return st;
}

static void run_blas(const linear *l, const operand *x, float *y, int64_t y_stride)
{
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, (int)x->rows, l->out, l->in, 1.0f, x->x,
                (int)x->stride, l->w, (int)l->stride, 1.0f, y, (int)y_stride);
}

// Rows of BLAS's products that are finished at once, while they are in cache.
enum { FINISH_ROWS = 8 };

static void finish_rows(const product_finish *f, int64_t rows, int out, float *y, int64_t y_stride)
{
    for (int64_t r = 0; r < rows; r += FINISH_ROWS) {
        const int n = (int)(rows - r < FINISH_ROWS ? rows - r : FINISH_ROWS);
        const product_finish here = product_finish_from(f, r);
        product_finish_rows(&here, bfloat16_round, n, 0, out, y + r * y_stride, y_stride);
    }
}

status linear_apply(products *p, const linear *l, const operand *x, const product_finish *finish,
                    float *y, int64_t y_stride)
{
    if (l->packed.at)
        return run_packed(p, l, x, false, finish, y, y_stride);
    kernel_fill_rows(l->bias, x->rows, l->out, y_stride, y);
    run_blas(l, x, y, y_stride);
    if (finish)
        finish_rows(finish, x->rows, l->out, y, y_stride);
    return OK;
}

status linear_add(products *p, const linear *l, const operand *x, float *y, int64_t y_stride)
{
    if (l->packed.at)
        return run_packed(p, l, x, true, NULL, y, y_stride);
    for (int64_t r = 0; l->bias && r < x->rows; r++)
        kernel_add_rows(l->bias, 1, l->out, y + r * y_stride);
    run_blas(l, x, y, y_stride);
    return OK;
}
