// SPDX-License-Identifier: Apache-2.0
// What a warp's 32 threads do together with bf16 in shared memory: squares of 16 × 16 values are
// loaded, and multiplied on tensor cores. Defined twice, as grid.h is: for devices by the instructions
// in names.h; in C by plain loops, in which each lane has the values that the instructions give it
// (PTX ISA, "Matrix fragments for mma.m16n8k16" and "ldmatrix"), and reads its neighbours' where those
// read them. So what is laid out wrong is multiplied wrong in C too; what C cannot show is that the
// instructions are as they are described.
//
// A square of a warp, and lane l's part of it, two values a word, the lower one first:
//   word 0: row l / 4, columns 2 · (l % 4) and the next      word 1: the same, of row l / 4 + 8
//   words 2 and 3: as words 0 and 1, of columns behind them by 8
// Of a square of sums [16, 8] in float32, lane l has row l / 4, columns 2 · (l % 4) and the next, and the
// same of row l / 4 + 8. So two squares of sums are, packed, a square; that is used.
#ifndef MODEL_CUDA_GRID_WARP_H
#define MODEL_CUDA_GRID_WARP_H

#include "model/cuda/grid.h"

enum {
    WARP_SIDE = 16,                        // of a square
    WARP_WIDTH = 64,                       // values of a row in shared memory
    WARP_PIECE = 8,                        // that lie together, 16 bytes
    WARP_COUNT = GRID_THREADS / GRID_WARP, // of a block
};

typedef struct warp_square {
    uint32_t x[4];
} warp_square;

typedef struct warp_pair {
    float x[2];
} warp_pair;

// Where a value lies. A row's pieces change places with the row's number, so that eight rows' pieces of
// the same columns are in different banks.
GRID_INLINE int warp_spot(int row, int column)
{
    return row * WARP_WIDTH + (column / WARP_PIECE ^ row % WARP_PIECE) * WARP_PIECE +
           column % WARP_PIECE;
}

// The row of a square at (row, column) that lane l brings: 8 by 8 those of the upper left quarter, the
// lower left, the upper right, the lower right. As warp_spot has it, where both are multiples of 16.
GRID_INLINE int warp_row(int l, int row, int column)
{
    const int own = l % WARP_SIDE * WARP_WIDTH + (l / WARP_SIDE ^ l % WARP_PIECE) * WARP_PIECE;
    return row * WARP_WIDTH + (own ^ column);
}

#ifdef __CUDACC__
GRID_INLINE void warp_load(int t, const uint16_t *from, int row, int column, warp_square *to)
{
    gpu_load_squares(gpu_shared_place(from) + 2 * warp_row(t % GRID_WARP, row, column), to->x);
}
GRID_INLINE void warp_load_turned(int t, const uint16_t *from, int row, int column, warp_square *to)
{
    gpu_load_turned(gpu_shared_place(from) + 2 * warp_row(t % GRID_WARP, row, column), to->x);
}
GRID_INLINE void warp_multiply(int, const warp_square *a, const warp_square *b, int low, int high,
                               float sum[4])
{
    gpu_multiply_squares(a->x, b->x[low], b->x[high], sum);
}
GRID_INLINE uint32_t warp_pack(float low, float high)
{
    return gpu_pack(low, high);
}
GRID_INLINE float warp_exp2(float x)
{
    return gpu_exp2(x);
}

// Over the four threads that have the same two rows: `mine` is each one's.
GRID_INLINE warp_pair warp_largest(int, const warp_pair *mine)
{
    warp_pair all = *mine;
    for (int r = 0; r < 2; r++)
        for (int apart = 1; apart < 4; apart *= 2)
            all.x[r] = fmaxf(grid_from_lane(all.x[r], apart), all.x[r]);
    return all;
}
GRID_INLINE warp_pair warp_sum(int, const warp_pair *mine)
{
    warp_pair all = *mine;
    for (int r = 0; r < 2; r++)
        for (int apart = 1; apart < 4; apart *= 2)
            all.x[r] += grid_from_lane(all.x[r], apart);
    return all;
}

// Four values at aligned addresses.
GRID_INLINE void warp_get_four(const float *from, float to[4])
{
    const float4 x = *(const float4 *)from;
    to[0] = x.x, to[1] = x.y, to[2] = x.z, to[3] = x.w;
}
GRID_INLINE void warp_put_four(uint32_t first, uint32_t second, uint16_t *to)
{
    *(uint2 *)to = make_uint2(first, second);
}
GRID_INLINE void warp_put_two(float first, float second, float *to)
{
    *(float2 *)to = make_float2(first, second);
}

#else

static inline void warp_load(int t, const uint16_t *from, int row, int column, warp_square *to)
{
    const int l = t % GRID_WARP;
    for (int i = 0; i < 4; i++)
        memcpy(&to->x[i], from + warp_row(8 * i + l / 4, row, column) + 2 * (l % 4), 4);
}

static inline void warp_load_turned(int t, const uint16_t *from, int row, int column,
                                    warp_square *to)
{
    const int l = t % GRID_WARP;
    for (int i = 0; i < 4; i++)
        to->x[i] = from[warp_row(8 * i + l % 4 * 2, row, column) + l / 4] |
                   (uint32_t)from[warp_row(8 * i + l % 4 * 2 + 1, row, column) + l / 4] << 16;
}

static inline float warp_value(uint32_t pair, int second)
{
    const uint32_t bits = second ? pair & 0xffff0000u : pair << 16;
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

// `a` and `b` are thread t's in arrays over threads.
static inline void warp_multiply(int t, const warp_square *a, const warp_square *b, int low,
                                 int high, float sum[4])
{
    const int l = t % GRID_WARP;
    for (int i = 0; i < 4; i++) {
        const int row = l / 4, lower = i / 2, column = l % 4 * 2 + i % 2;
        for (int k = 0; k < WARP_SIDE; k++) {
            const uint32_t x = a[4 * row + k % 8 / 2 - l].x[k / 8 * 2 + lower];
            const uint32_t y = b[4 * column + k % 8 / 2 - l].x[k / 8 ? high : low];
            sum[i] = fmaf(warp_value(x, k % 2), warp_value(y, k % 2), sum[i]);
        }
    }
}

static inline uint32_t warp_pack(float low, float high)
{
    return grid_bf16(low) | (uint32_t)grid_bf16(high) << 16;
}

static inline float warp_exp2(float x)
{
    return exp2f(x);
}

static inline warp_pair warp_largest(int t, const warp_pair *mine)
{
    const warp_pair *x = mine - t % 4;
    warp_pair all = *mine;
    for (int r = 0; r < 2; r++)
        for (int i = 0; i < 4; i++)
            all.x[r] = fmaxf(x[i].x[r], all.x[r]);
    return all;
}

static inline warp_pair warp_sum(int t, const warp_pair *mine)
{
    const warp_pair *x = mine - t % 4;
    warp_pair all;
    for (int r = 0; r < 2; r++)
        all.x[r] = (x[0].x[r] + x[1].x[r]) + (x[2].x[r] + x[3].x[r]);
    return all;
}

static inline void warp_get_four(const float *from, float to[4])
{
    memcpy(to, from, 4 * sizeof *to);
}
static inline void warp_put_four(uint32_t first, uint32_t second, uint16_t *to)
{
    memcpy(to, &first, sizeof first);
    memcpy(to + 2, &second, sizeof second);
}
static inline void warp_put_two(float first, float second, float *to)
{
    to[0] = first;
    to[1] = second;
}
#endif

#endif
