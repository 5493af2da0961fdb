// SPDX-License-Identifier: Apache-2.0
#include "model/linear.h"

#include <cblas.h>
#include <stdbool.h>
#include <string.h>

#include "model/kernels.h"

enum { ROWS_AT_ONCE = 256 }; // of a packed product: enough for its best rate, and few shapes

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
    part.bias = NULL;
    part.in = n;
    part.first_in += first;
    return part;
}

// Do the rows lie as one panel of float32 already?
static bool is_panel(packing form, int64_t stride, int width)
{
    return form == PACKING_F32 && stride == width && width <= PACK_PANEL;
}

size_t linear_copy_bytes(packing form, int64_t rows, int width)
{
    size_t values = (size_t)linear_room(rows) * (size_t)width;
    if (form == PACKING_NONE || is_panel(form, width, width))
        return 0;
    return values * (form == PACKING_BF16 ? sizeof(uint16_t) : sizeof(float));
}

operand linear_operand(packing form, const float *x, int64_t stride, int64_t rows, int width,
                       void *copy)
{
    if (form == PACKING_NONE || is_panel(form, stride, width))
        return (operand){x, form == PACKING_NONE ? NULL : x, stride, rows};
    uint16_t *half = copy;
    float *whole = copy;
    for (int first = 0; first < width; first += PACK_PANEL) {
        const int left = width - first, n = left < PACK_PANEL ? left : PACK_PANEL;
        const int64_t begin = linear_room(rows) * first;
        for (int64_t r = 0; r < rows; r++)
            if (form == PACKING_BF16)
                packed_round(x + r * stride + first, (size_t)n, half + begin + r * n);
            else
                memcpy(whole + begin + r * n, x + r * stride + first, (size_t)n * sizeof *x);
    }
    return (operand){x, copy, stride, rows};
}

int64_t linear_room(int64_t rows)
{
    return (rows + PRODUCT_ROWS - 1) / PRODUCT_ROWS * PRODUCT_ROWS;
}

// The panels of a packed map one after the other; the first one overwrites y, with the bias, where
// `add` is false.
static status run_packed(products *p, const linear *l, const operand *x, bool add, float *y)
{
    status st = OK;
    const int64_t rows = linear_room(x->rows);
    const size_t value = l->packed.form == PACKING_BF16 ? sizeof(uint16_t) : sizeof(float);
    for (int64_t row = 0; row < rows; row += ROWS_AT_ONCE) {
        const int64_t left = rows - row;
        product_shape shape = {.form = l->packed.form, .out = l->out};
        shape.rows = (int)(left < ROWS_AT_ONCE ? left : ROWS_AT_ONCE);
        for (int input = 0; input < l->in; input += PACK_PANEL) {
            const int panel = (l->first_in + input) / PACK_PANEL;
            shape.in = packed_panel_inputs(&l->packed, panel);
            shape.add = add || input > 0;
            shape.bias = l->bias && !shape.add;
            const int64_t begin = rows * input + row * shape.in;
            TRY(products_run(p, &shape, (const char *)x->panels + (size_t)begin * value,
                             packed_part(&l->packed, l->first_out, panel), l->bias,
                             y + row * l->out));
        }
    }
done:
    return st;
}

status linear_apply(products *p, const linear *l, const operand *x, float *y, int64_t y_stride)
{
    if (l->packed.at)
        return run_packed(p, l, x, false, y);
    kernel_fill_rows(l->bias, x->rows, l->out, y_stride, y);
    return linear_add(p, l, x, y, y_stride);
}

status linear_add(products *p, const linear *l, const operand *x, float *y, int64_t y_stride)
{
    if (l->packed.at)
        return run_packed(p, l, x, true, y);
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, (blasint)x->rows, l->out, l->in, 1.0f,
                x->x, (blasint)x->stride, l->w, (blasint)l->stride, 1.0f, y, (blasint)y_stride);
    return OK;
}
