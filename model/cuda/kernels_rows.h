// SPDX-License-Identifier: Apache-2.0
// Kernels that take rows one by one: norms, rotary positions, what stands between two products,
// embeddings, patches, and rows that are gathered or added. Reads and writes of neighbouring threads
// are neighbours in memory. Read by nvcc and as C (grid.h).
#ifndef MODEL_CUDA_KERNELS_ROWS_H
#define MODEL_CUDA_KERNELS_ROWS_H

#include "model/cuda/grid.h"

// A block a row: a mean, then a variance about it, each a sum in one order for one width.
GRID_KERNEL(norm_rows, device_norm)
{
    const float *x = a.x + GRID_BLOCK * a.x_stride;
    GRID_KEPT(float, part);
    float mean = 0, factor = 1;
    if (a.weight && a.bias) {
        GRID_EACH_THREAD(t)
        {
            GRID_OWN(part, t) = 0;
            for (int c = t; c < a.width; c += GRID_THREADS)
                GRID_OWN(part, t) += x[c];
        }
        mean = grid_sum(part) / (float)a.width;
    }
    if (a.weight) {
        GRID_EACH_THREAD(t)
        {
            GRID_OWN(part, t) = 0;
            for (int c = t; c < a.width; c += GRID_THREADS)
                GRID_OWN(part, t) = fmaf(x[c] - mean, x[c] - mean, GRID_OWN(part, t));
        }
        factor = 1 / sqrtf(grid_sum(part) / (float)a.width + a.eps);
    }
    GRID_EACH_THREAD(t)
    {
        int is_bad = 0;
        for (int c = t; c < a.width; c += GRID_THREADS) {
            float y = x[c];
            is_bad |= !grid_finite(y);
            if (a.weight)
                y = (y - mean) * factor * a.weight[c] + (a.bias ? a.bias[c] : 0);
            if (a.to)
                grid_store(a.to, GRID_BLOCK * a.to_stride + c, a.type, y);
            if (a.sum)
                a.sum[GRID_BLOCK * a.x_stride + c] = y;
        }
        if (is_bad && a.bad)
            *a.bad = 1;
    }
}

static status ops_norm(device *d, const device_norm *a)
{
    if (a->rows > 0)
        GRID_RUN(d, norm_rows, a->rows, 1, *a);
    return grid_end(d, "norm");
}

GRID_KERNEL(rotate_rows, device_rotary)
{
    const int half = a.dims / 2, pairs = a.heads * half;
    const int pieces = (int)grid_pieces(pairs);
    const int64_t row = GRID_BLOCK / pieces;
    GRID_EACH_THREAD(t)
    {
        const float *table = a.table + (int64_t)a.turn[row] * a.dims;
        GRID_EACH_COLUMN(c, t, GRID_BLOCK % pieces, pairs)
        {
            const int i = (int)(c % half);
            float *x = a.x + row * a.heads * a.head_dim + c / half * a.head_dim + i;
            const float p = x[0], q = x[half], cosine = table[i], sine = table[half + i];
            x[0] = p * cosine - q * sine;
            x[half] = q * cosine + p * sine;
        }
    }
}

static status ops_rotary(device *d, const device_rotary *a)
{
    if (a->rows > 0 && a->dims > 1)
        GRID_RUN(d, rotate_rows, a->rows * grid_pieces((int64_t)a->heads * (a->dims / 2)), 1, *a);
    return grid_end(d, "rotary");
}

GRID_INLINE float activated(float x, device_activation act)
{
    switch (act) {
    case DEVICE_ACT_GELU: // by the complement: small results keep their digits
        return 0.5f * x * erfcf(-0.70710678f * x);
    case DEVICE_ACT_GELU_TANH:
        return 0.5f * x * (1 + tanhf(0.79788456f * (x + 0.044715f * x * x * x)));
    case DEVICE_ACT_QUICK_GELU:
        return x / (1 + expf(-1.702f * x));
    case DEVICE_ACT_SILU:
        return x / (1 + expf(-x));
    case DEVICE_ACT_RELU:
        return x > 0 || x != x ? x : 0;
    default:
        return x;
    }
}

// Activation, gate, mask and rounding in one look at each value.
GRID_KERNEL(site_rows, device_site)
{
    const int pieces = (int)grid_pieces(a.neurons);
    const int64_t row = GRID_BLOCK / pieces;
    GRID_EACH_THREAD(t)
    GRID_EACH_COLUMN(u, t, GRID_BLOCK % pieces, a.neurons)
    {
        float *x = a.x + row * a.stride + u;
        float y = a.gate ? activated(a.gate[row * a.stride + u], a.act) * *x : activated(*x, a.act);
        y = a.pruned && a.pruned[u] ? 0 : y;
        *x = y;
        if (a.to)
            grid_store(a.to, row * a.to_stride + u, a.type, y);
    }
}

static status ops_site(device *d, const device_site *a)
{
    if (a->rows > 0)
        GRID_RUN(d, site_rows, a->rows * grid_pieces(a->neurons), 1, *a);
    return grid_end(d, "site");
}

GRID_KERNEL(embed_rows, device_embed)
{
    const int pieces = (int)grid_pieces(a.width);
    const int64_t row = GRID_BLOCK / pieces;
    const int64_t index = a.index[row];
    GRID_EACH_THREAD(t)
    GRID_EACH_COLUMN(c, t, GRID_BLOCK % pieces, a.width)
    {
        float *to = a.to + row * a.width + c;
        const float y = index < 0 ? 0 : a.scale * a.table[index * a.width + c];
        *to = a.add ? *to + y : y;
    }
}

static status ops_embed(device *d, const device_embed *a)
{
    if (a->rows > 0)
        GRID_RUN(d, embed_rows, a->rows * grid_pieces(a->width), 1, *a);
    return grid_end(d, "embed");
}

GRID_KERNEL(patch_rows, device_patches)
{
    const int size = a.patch_height * a.patch_width, width = a.channels * size;
    const int pieces = (int)grid_pieces(width), across = a.width / a.patch_width;
    const int64_t row = GRID_BLOCK / pieces, image = row / a.rows_per_image;
    const int patch = (int)(row % a.rows_per_image) - a.tokens;
    GRID_EACH_THREAD(t)
    GRID_EACH_COLUMN(c, t, GRID_BLOCK % pieces, width)
    {
        float x = 0;
        if (patch >= 0) {
            const int64_t channel = image * a.channels + c / size;
            const int y = patch / across * a.patch_height + (int)(c % size) / a.patch_width;
            const int left = patch % across * a.patch_width + (int)(c % a.patch_width);
            x = a.pixels[(channel * a.height + y) * a.width + left];
        }
        grid_store(a.to, row * width + c, a.type, x);
    }
}

static status ops_patches(device *d, const device_patches *a)
{
    const int64_t width = (int64_t)a->channels * a->patch_height * a->patch_width;
    if (a->images > 0)
        GRID_RUN(d, patch_rows, a->images * a->rows_per_image * grid_pieces(width), 1, *a);
    return grid_end(d, "patches");
}

GRID_KERNEL(place_rows, device_places)
{
    const int pieces = (int)grid_pieces(a.width);
    const int64_t row = GRID_BLOCK / pieces, place = row % a.rows_per_image;
    GRID_EACH_THREAD(t)
    GRID_EACH_COLUMN(c, t, GRID_BLOCK % pieces, a.width)
    {
        float *x = a.x + row * a.width + c;
        const float y = a.table[place * a.width + c];
        *x = place < a.set ? y : *x + y;
    }
}

static status ops_places(device *d, const device_places *a)
{
    if (a->images > 0)
        GRID_RUN(d, place_rows, a->images * a->rows_per_image * grid_pieces(a->width), 1, *a);
    return grid_end(d, "places");
}

GRID_KERNEL(gather_rows, device_gather)
{
    const int pieces = (int)grid_pieces(a.width);
    const int64_t i = GRID_BLOCK / pieces;
    GRID_EACH_THREAD(t)
    GRID_EACH_COLUMN(c, t, GRID_BLOCK % pieces, a.width)
    {
        const int64_t from = i < a.n ? a.row[i] * a.from_stride + c : 0, to = i * a.to_stride + c;
        if (a.type == DEVICE_BF16)
            ((uint16_t *)a.to)[to] = i < a.n ? ((const uint16_t *)a.from)[from] : (uint16_t)0;
        else
            ((float *)a.to)[to] = i < a.n ? ((const float *)a.from)[from] : 0;
    }
}

static status ops_gather(device *d, const device_gather *a)
{
    const int64_t rows = a->n > a->filled ? a->n : a->filled;
    if (rows > 0)
        GRID_RUN(d, gather_rows, rows * grid_pieces(a->width), 1, *a);
    return grid_end(d, "gather");
}

GRID_KERNEL(add_rows, device_add)
{
    const int pieces = (int)grid_pieces(a.width);
    const int64_t i = GRID_BLOCK / pieces, row = a.row ? a.row[i] : i;
    const float factor = a.factor ? a.factor[i] : 1;
    GRID_EACH_THREAD(t)
    GRID_EACH_COLUMN(c, t, GRID_BLOCK % pieces, a.width)
    {
        const float x = a.from[i * a.width + c];
        a.to[row * a.width + c] += factor * (a.scale ? x * a.scale[c] : x);
    }
}

static status ops_add(device *d, const device_add *a)
{
    if (a->n > 0)
        GRID_RUN(d, add_rows, a->n * grid_pieces(a->width), 1, *a);
    return grid_end(d, "add");
}

// n values, to bf16.
typedef struct rounding {
    const float *x;
    int64_t n;
    void *to;
} rounding;

GRID_KERNEL(round_values, rounding)
{
    GRID_EACH_THREAD(t)
    GRID_EACH_COLUMN(c, t, GRID_BLOCK, a.n)
    grid_store(a.to, c, DEVICE_BF16, a.x[c]);
}

static status ops_round(device *d, const float *x, size_t n, void *to)
{
    rounding a;
    a.x = x;
    a.n = (int64_t)n;
    a.to = to;
    if (n > 0)
        GRID_RUN(d, round_values, grid_pieces(a.n), 1, a);
    return grid_end(d, "round");
}

#endif
