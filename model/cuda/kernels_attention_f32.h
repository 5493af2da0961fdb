// SPDX-License-Identifier: Apache-2.0
// Attention in float32, tile by tile: a block has 64 queries of a head, and meets the keys that any of them sees
// in tiles of 64, with a running maximum and sum; no scores are ever in memory. Tiles begin at the
// sample's first query and key, so that a row's bits depend on its sample alone. A thread makes
// squares of 4 × 4 scores and outputs from rows and columns in shared memory. Read by nvcc and as C
// (grid.h).
#ifndef MODEL_CUDA_KERNELS_ATTENTION_F32_H
#define MODEL_CUDA_KERNELS_ATTENTION_F32_H

#include "model/cuda/grid.h"

enum {
    TILE = 64,          // queries, keys, and outputs of a pass over values
    SQUARE = 4,         // of a thread's scores
    STRIP = 32,         // values of a head that are multiplied at once
    WIDEST = 4,         // tiles of outputs that a thread can hold: heads of up to 256 values
    PARTS = 4,          // threads that share a query's softmax
    SPAN = TILE / PARTS // and the keys of each
};

// What a block shares. `rows` holds a strip of queries and one of keys, or a tile of values.
typedef struct tile_memory {
    float rows[2 * TILE * (STRIP + 1)];
    float score[TILE][TILE + 1];
    float part[TILE][PARTS];
    float max[TILE], sum[TILE], factor[TILE];
    int32_t first[TILE], end[TILE]; // keys that a query sees, in its sample
} tile_memory;

// A block's place: pointers to its first query and key, of its head.
typedef struct tile_place {
    const float *q, *k, *v;
    float *out;
    int queries, keys;
    int32_t first, end; // keys that any query sees
} tile_place;

typedef struct tile_square {
    float x[SQUARE][SQUARE];
} tile_square;

// What a thread keeps of the outputs.
typedef struct tile_outputs {
    float x[WIDEST][SQUARE][SQUARE];
} tile_outputs;

// Thread t's rows are SQUARE · (t / 16) + i, its columns t % 16 + 16 · j.
GRID_INLINE int square_row(int t)
{
    return t / (TILE / SQUARE) * SQUARE;
}
GRID_INLINE int square_column(int t)
{
    return t % (TILE / SQUARE);
}

// Values [first, first + STRIP) of TILE rows, `stride` apart, into `to`; zeros behind `rows` and
// behind `width`.
GRID_INLINE void load_strip(int t, const float *from, int64_t stride, int rows, int first,
                            int width, float *to)
{
    for (int i = t; i < TILE * STRIP; i += GRID_THREADS) {
        const int r = i / STRIP, c = first + i % STRIP;
        to[r * (STRIP + 1) + i % STRIP] = r < rows && c < width ? from[r * stride + c] : 0;
    }
}

GRID_INLINE void multiply_strip(int t, const float *rows, tile_square *s)
{
    const float *q = rows + square_row(t) * (STRIP + 1);
    const float *k = rows + (TILE + square_column(t)) * (STRIP + 1);
    for (int c = 0; c < STRIP; c++) {
        float a[SQUARE], b[SQUARE];
        GRID_UNROLL
        for (int i = 0; i < SQUARE; i++) {
            a[i] = q[i * (STRIP + 1) + c];
            b[i] = k[i * (TILE / SQUARE) * (STRIP + 1) + c];
        }
        GRID_UNROLL
        for (int i = 0; i < SQUARE; i++)
            GRID_UNROLL
        for (int j = 0; j < SQUARE; j++)
            s->x[i][j] = fmaf(a[i], b[j], s->x[i][j]);
    }
}

// The thread's scores of keys from `key` on, scaled; those that a query does not see are -infinity.
GRID_INLINE void store_scores(int t, const device_attention *a, int key, const tile_square *s,
                              tile_memory *m)
{
    for (int i = 0; i < SQUARE; i++)
        for (int j = 0; j < SQUARE; j++) {
            const int r = square_row(t) + i, c = square_column(t) + j * (TILE / SQUARE);
            float x = a->scale * s->x[i][j];
            x = a->cap > 0 ? a->cap * tanhf(x / a->cap) : x;
            m->score[r][c] = key + c >= m->first[r] && key + c < m->end[r] ? x : -INFINITY;
        }
}

// The largest of the thread's part of a query's scores.
GRID_INLINE void find_largest(int t, tile_memory *m)
{
    const int r = t / PARTS, part = t % PARTS;
    float max = -INFINITY;
    for (int c = part * SPAN; c < (part + 1) * SPAN; c++)
        max = m->score[r][c] > max ? m->score[r][c] : max;
    m->part[r][part] = max;
}

GRID_INLINE float largest_so_far(const tile_memory *m, int r)
{
    float max = m->max[r];
    for (int i = 0; i < PARTS; i++)
        max = m->part[r][i] > max ? m->part[r][i] : max;
    return max;
}

// Scores become exp(score - largest); NaN stays NaN. A query that has seen no key yet has -infinity
// for its largest, and only zeros.
GRID_INLINE void make_weights(int t, tile_memory *m, float max)
{
    const int r = t / PARTS, part = t % PARTS;
    for (int c = part * SPAN; c < (part + 1) * SPAN; c++) {
        const float s = m->score[r][c];
        m->score[r][c] = s == -INFINITY ? 0 : expf(s - max);
    }
}

GRID_INLINE void close_tile(int r, tile_memory *m, float max)
{
    float sum = 0;
    for (int c = 0; c < TILE; c++)
        sum += m->score[r][c];
    m->factor[r] = m->max[r] == -INFINITY ? 0 : expf(m->max[r] - max);
    m->sum[r] = fmaf(m->sum[r], m->factor[r], sum);
    m->max[r] = max;
}

// Outputs, scaled to the maximum that they have now, += weights · values, of TILE keys in `rows`.
GRID_INLINE void multiply_values(int t, const tile_memory *m, float x[SQUARE][SQUARE])
{
    const int r = square_row(t), c = square_column(t);
    GRID_UNROLL
    for (int i = 0; i < SQUARE; i++)
        GRID_UNROLL
    for (int j = 0; j < SQUARE; j++)
        x[i][j] *= m->factor[r + i];
    for (int key = 0; key < TILE; key++) {
        float a[SQUARE], b[SQUARE];
        GRID_UNROLL
        for (int i = 0; i < SQUARE; i++) {
            a[i] = m->score[r + i][key];
            b[i] = m->rows[key * TILE + c + i * (TILE / SQUARE)];
        }
        GRID_UNROLL
        for (int i = 0; i < SQUARE; i++)
            GRID_UNROLL
        for (int j = 0; j < SQUARE; j++)
            x[i][j] = fmaf(a[i], b[j], x[i][j]);
    }
}

GRID_INLINE void load_values(int t, const tile_place *p, int64_t stride, int key, int first,
                             int width, float *to)
{
    for (int i = t; i < TILE * TILE; i += GRID_THREADS) {
        const int r = key + i / TILE, c = first + i % TILE;
        to[i] = r < p->keys && c < width ? p->v[r * stride + c] : 0;
    }
}

// Which keys query r of the block sees: none where it is behind the last one.
GRID_INLINE void find_span(int r, const device_attention *a, const tile_place *p,
                           const int32_t *position, int32_t *first, int32_t *end)
{
    *first = r < p->queries ? 0 : p->keys;
    *end = r < p->queries ? p->keys : 0;
    if (a->causal && r < p->queries) {
        *end = position[r] + 1 < *end ? position[r] + 1 : *end;
        *first = a->window > 0 && position[r] >= a->window ? position[r] - a->window + 1 : 0;
    }
}

GRID_INLINE void begin_row(int r, tile_memory *m)
{
    m->max[r] = -INFINITY;
    m->sum[r] = 0;
}

// The keys that any query sees. Positions need not ascend.
GRID_INLINE void join_span(int32_t first, int32_t end, int32_t *all_first, int32_t *all_end)
{
    *all_first = first < *all_first ? first : *all_first;
    *all_end = end > *all_end ? end : *all_end;
}
GRID_INLINE void join_spans(const tile_memory *m, tile_place *p)
{
    for (int r = 0; r < p->queries; r++)
        join_span(m->first[r], m->end[r], &p->first, &p->end);
}

GRID_INLINE void store_outputs(int t, const device_attention *a, const tile_place *p, int first,
                               const float *sum, float x[SQUARE][SQUARE])
{
    GRID_UNROLL
    for (int i = 0; i < SQUARE; i++)
        GRID_UNROLL
    for (int j = 0; j < SQUARE; j++) {
        const int r = square_row(t) + i, c = first + square_column(t) + j * (TILE / SQUARE);
        if (r < p->queries && c < a->head_dim)
            p->out[r * a->q_stride + c] = x[i][j] / sum[r];
    }
}

// Blocks of `rows` queries that the longest sample has.
GRID_BOTH int64_t count_blocks(const device_attention *a, int rows)
{
    return (a->longest_query + rows - 1) / rows;
}

// Where the block is; `queries` <= 0: behind its sample's last.
GRID_INLINE tile_place find_place(const device_attention *a, int64_t block, int head, int rows,
                                  const int32_t **position)
{
    const int64_t blocks = count_blocks(a, rows), sample = block / blocks;
    const int64_t query = a->first_query[sample] + block % blocks * rows;
    const int d = a->head_dim;
    const int64_t key = a->first_key[sample];
    tile_place p;
    p.queries = (int)(a->first_query[sample + 1] - query);
    p.queries = p.queries < rows ? p.queries : rows;
    p.keys = (int)(a->first_key[sample + 1] - key);
    p.q = a->q + query * a->q_stride + (int64_t)head * d;
    p.out = a->out + query * a->q_stride + (int64_t)head * d;
    p.k = a->k + key * a->kv_stride + (int64_t)(head / (a->heads / a->kv_heads)) * d;
    p.v = a->v + (p.k - a->k);
    p.first = p.keys;
    p.end = 0;
    *position = a->position + query;
    return p;
}

// A tile of keys: scores of all threads become weights. `square` is the threads' own.
#define ATTEND_KEYS(a, p, m, square, at)                                                           \
    do {                                                                                           \
        GRID_EACH_THREAD(t)                                                                        \
        memset(&GRID_OWN(square, t), 0, sizeof(tile_square));                                      \
        for (int c = 0; c < (a).head_dim; c += STRIP) {                                            \
            GRID_EACH_THREAD(t)                                                                    \
            {                                                                                      \
                load_strip(t, (p).q, (a).q_stride, (p).queries, c, (a).head_dim, (m).rows);        \
                load_strip(t, (p).k + (at) * (a).kv_stride, (a).kv_stride, (p).keys - (at), c,     \
                           (a).head_dim, (m).rows + TILE * (STRIP + 1));                           \
            }                                                                                      \
            GRID_BARRIER();                                                                        \
            GRID_EACH_THREAD(t)                                                                    \
            multiply_strip(t, (m).rows, &GRID_OWN(square, t));                                     \
            GRID_BARRIER();                                                                        \
        }                                                                                          \
        GRID_EACH_THREAD(t)                                                                        \
        store_scores(t, &(a), at, &GRID_OWN(square, t), &(m));                                     \
        GRID_BARRIER();                                                                            \
        GRID_EACH_THREAD(t)                                                                        \
        find_largest(t, &(m));                                                                     \
        GRID_BARRIER();                                                                            \
        GRID_EACH_THREAD(t)                                                                        \
        make_weights(t, &(m), largest_so_far(&(m), t / PARTS));                                    \
        GRID_BARRIER();                                                                            \
        GRID_EACH_THREAD(t)                                                                        \
        if (t < TILE)                                                                              \
            close_tile(t, &(m), largest_so_far(&(m), t));                                          \
        GRID_BARRIER();                                                                            \
    } while (0)

// A kernel for heads of up to `tiles` tiles of values: the fewer, the more blocks run side by side.
#define ATTENTION_KERNEL(name, tiles)                                                              \
    GRID_KERNEL(name, device_attention)                                                            \
    {                                                                                              \
        GRID_SHARED tile_memory m;                                                                 \
        GRID_KEPT(tile_outputs, out);                                                              \
        GRID_KEPT(tile_square, square);                                                            \
        const int32_t *position;                                                                   \
        tile_place p = find_place(&a, GRID_BLOCK, GRID_LEVEL, TILE, &position);                    \
        if (p.queries <= 0)                                                                        \
            return;                                                                                \
        GRID_EACH_THREAD(t)                                                                        \
        {                                                                                          \
            memset(&GRID_OWN(out, t), 0, sizeof(tile_outputs));                                    \
            if (t < TILE) {                                                                        \
                find_span(t, &a, &p, position, &m.first[t], &m.end[t]);                            \
                begin_row(t, &m);                                                                  \
            }                                                                                      \
        }                                                                                          \
        GRID_BARRIER();                                                                            \
        join_spans(&m, &p);                                                                        \
        for (int at = p.first / TILE * TILE; at < p.end; at += TILE) {                             \
            ATTEND_KEYS(a, p, m, square, at);                                                      \
            for (int o = 0; o < (tiles); o++) {                                                    \
                GRID_EACH_THREAD(t)                                                                \
                load_values(t, &p, a.kv_stride, at, o *TILE, a.head_dim, m.rows);                  \
                GRID_BARRIER();                                                                    \
                GRID_EACH_THREAD(t)                                                                \
                multiply_values(t, &m, GRID_OWN(out, t).x[o]);                                     \
                GRID_BARRIER();                                                                    \
            }                                                                                      \
        }                                                                                          \
        GRID_EACH_THREAD(t)                                                                        \
        for (int o = 0; o < (tiles); o++)                                                          \
            store_outputs(t, &a, &p, o *TILE, m.sum, GRID_OWN(out, t).x[o]);                       \
    }
ATTENTION_KERNEL(attend_narrow, 1)
ATTENTION_KERNEL(attend_middle, 2)
ATTENTION_KERNEL(attend_wide, WIDEST)

static void attend_in_f32(device *d, const device_attention *a)
{
    const int64_t blocks = a->samples * count_blocks(a, TILE);
    if (a->head_dim <= TILE)
        GRID_RUN(d, attend_narrow, blocks, a->heads, *a);
    else if (a->head_dim <= 2 * TILE)
        GRID_RUN(d, attend_middle, blocks, a->heads, *a);
    else
        GRID_RUN(d, attend_wide, blocks, a->heads, *a);
}

#endif
