// SPDX-License-Identifier: Apache-2.0
// Conversions work on runs of elements, so that threads and ranks can share out one tensor. What
// a file keeps in another order is put right on the way: rows of Llama's GGUF heads, GPT-2's
// transposed matrices, GPT-NeoX's queries, keys and values of each head; and Gemma's norms get
// their 1.
#include "model/weights/convert.h"

const unsigned char *convert_at(const tensor *t, size_t first)
{
    return t->bytes + convert_bytes(t, first);
}

size_t convert_bytes(const tensor *t, size_t n)
{
    return n / t->type->block * t->type->bytes;
}

// Converts n elements that follow one another in the file, from element `first` on.
static void convert_run(const tensor *t, size_t first, size_t n, float *out)
{
    t->type->to_float(convert_at(t, first), n / t->type->block, out);
}

// Elements of a row of the result.
static size_t row_length(const tensor *t, layout how)
{
    if (t->dims < 2)
        return 1;
    return how == LAYOUT_TRANSPOSED ? t->shape[0] : t->elements / t->shape[0];
}

size_t convert_grain(const tensor *t, layout how)
{
    return how == LAYOUT_PLAIN || how == LAYOUT_PLUS_ONE ? t->type->block : row_length(t, how);
}

static void convert_pairs(const tensor *t, int head_dim, size_t first, size_t n, float *out)
{
    const size_t length = row_length(t, LAYOUT_PAIRS), d = (size_t)head_dim, half = d / 2;
    for (size_t row = first / length; n > 0; row++, n -= length, out += length) {
        size_t in_head = row % d, i = in_head % half, second = in_head / half;
        convert_run(t, (row - in_head + 2 * i + second) * length, length, out);
    }
}

// Rows of one of the three that each head has in the file.
static void convert_heads(const tensor *t, int head_dim, size_t first, size_t n, float *out)
{
    const size_t length = row_length(t, LAYOUT_HEADS), d = (size_t)head_dim;
    for (size_t row = first / length; n > 0; row++, n -= length, out += length)
        convert_run(t, (row / d * 3 * d + row % d) * length, length, out);
}

static void convert_plus_one(const tensor *t, size_t first, size_t n, float *out)
{
    convert_run(t, first, n, out);
    for (size_t i = 0; i < n; i++)
        out[i] += 1;
}

// Some columns of the file at a time, each of which becomes a row.
static void convert_transposed(const tensor *t, size_t first, size_t n, float *out)
{
    enum { COLUMNS = 64 };
    const size_t in = t->shape[0], rows = t->shape[1], last = (first + n) / in;
    float part[COLUMNS];
    for (size_t row = first / in; row < last; row += COLUMNS, out += COLUMNS * in) {
        size_t some = last - row < COLUMNS ? last - row : COLUMNS;
        for (size_t c = 0; c < in; c++) {
            convert_run(t, c * rows + row, some, part);
            for (size_t r = 0; r < some; r++)
                out[r * in + c] = part[r];
        }
    }
}

void convert_elements(const tensor *t, layout how, int head_dim, size_t first, size_t n, float *out)
{
    if (how == LAYOUT_PAIRS)
        convert_pairs(t, head_dim, first, n, out);
    else if (how == LAYOUT_TRANSPOSED)
        convert_transposed(t, first, n, out);
    else if (how == LAYOUT_HEADS)
        convert_heads(t, head_dim, first, n, out);
    else if (how == LAYOUT_PLUS_ONE)
        convert_plus_one(t, first, n, out);
    else
        convert_run(t, first, n, out);
}
