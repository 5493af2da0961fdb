// SPDX-License-Identifier: Apache-2.0
// NetCDF moves rectangles, while blocks of rows begin and end anywhere: a block is a few
// rectangles.
#include "pipeline/store/hyperslab.h"

hyperslab hyperslab_next(int dims, const int64_t *lengths, int64_t first, int64_t rows)
{
    hyperslab s = {.rows = 1};
    int64_t inner = 1, left = first;
    int last = dims - 1,
        open = 0; // `open`: the dimension along which the rectangle may span several indices
    // The rectangle is whole in every dimension behind `open`: as far out as the first row's place
    // and `rows` allow.
    for (int d = last - 1; d >= 0; d--) {
        open = d;
        if (first % (inner * lengths[d]) != 0 || inner * lengths[d] > rows)
            break;
        inner *= lengths[d];
    }
    for (int d = last; d >= 0; d--) {
        s.start[d] = 0;
        s.count[d] = d == last ? (size_t)lengths[d] : 1;
    }
    inner = 1;
    for (int d = last - 1; d >= 0; d--) {
        s.start[d] = (size_t)(left % lengths[d]);
        left /= lengths[d];
        if (d > open) {
            s.count[d] = (size_t)lengths[d];
            inner *= lengths[d];
        } else if (d == open) {
            int64_t room = lengths[d] - (int64_t)s.start[d], fit = rows / inner;
            s.count[d] = (size_t)(fit < room ? fit : room);
            s.rows = inner * (int64_t)s.count[d];
        }
    }
    return s;
}

bool hyperslab_shape(int dims, const int64_t *lengths, int64_t *rows, int64_t *row_items)
{
    int64_t items;
    *rows = 1;
    for (int d = 0; d < dims - 1; d++)
        if (lengths[d] < 0 || __builtin_mul_overflow(*rows, lengths[d], rows))
            return false;
    *row_items = dims ? lengths[dims - 1] : 1;
    return *row_items >= 0 && !__builtin_mul_overflow(*rows, *row_items, &items) &&
           items <= INT64_MAX / 16; // bytes of any type fit too
}
