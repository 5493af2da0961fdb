// SPDX-License-Identifier: Apache-2.0
// Attention on tensor cores, as kernels_attention_f32.h has it in float32: a block has up to 128
// queries of a head, a warp 16 of them, and meets keys and values in strips of 64 rows and 64 values.
// Queries, keys, values and weights are rounded to bf16; scores, maxima and sums are float32.
//
// For 128 queries of 64 values a tile of keys is 2.1 million operations and 32 KB of float32: 64
// operations a byte, so that at 300 TFLOP/s an H200's second cache gives 4.7 TB/s. The next strip
// comes into registers while this one is multiplied, there is one barrier a strip, and weights go from
// sums to operands within a thread, without memory. All of that is thought, nothing was measured.
#ifndef MODEL_CUDA_KERNELS_ATTENTION_BF16_H
#define MODEL_CUDA_KERNELS_ATTENTION_BF16_H

#include "model/cuda/grid_warp.h"
#include "model/cuda/kernels_attention_f32.h"

enum {
    BLOCK_ROWS = WARP_COUNT * WARP_SIDE, // queries of a block, at most
    EIGHTS = TILE / 8,                   // squares of sums beside each other
    OUTPUTS = 2 * EIGHTS,                // that a thread has parts of, at most
    FOURS = 4,                           // times four values that a thread brings of a strip
};

// Where strips lie in turn; before them, the keys that each query and each warp sees.
typedef union strip_memory {
    GRID_ALIGNED uint16_t strip[2][TILE * WARP_WIDTH];
    struct {
        int32_t first[BLOCK_ROWS], end[BLOCK_ROWS];
        int32_t warp_first[WARP_COUNT], warp_end[WARP_COUNT];
    } span;
} strip_memory;

// A thread's two rows, lane / 4 and that + 8 of its warp's.
typedef struct warp_rows {
    float max[2], sum[2];
    int32_t end[2];               // of the keys that they see
    int32_t warp_first, warp_end; // of those that any row of the warp sees
} warp_rows;

typedef struct warp_scores {
    float x[EIGHTS][4];
} warp_scores;

typedef struct warp_outputs {
    float x[OUTPUTS][4];
} warp_outputs;

typedef struct strip_part {
    float x[FOURS][4];
} strip_part;

// `share` warps have the same rows: each makes all their scores, and its part of a strip's outputs.
GRID_INLINE int row_of_warp(int w, int share)
{
    return w % (WARP_COUNT / share) * WARP_SIDE;
}
GRID_INLINE int column_of_warp(int w, int share)
{
    return w / (WARP_COUNT / share) * (WARP_WIDTH / share);
}
GRID_INLINE int row_of_thread(int t, int share, int second)
{
    return row_of_warp(t / GRID_WARP, share) + t % GRID_WARP / 4 + 8 * second;
}

// Does any row of the warp see one of n keys from `key` on? What none sees is not multiplied.
GRID_INLINE int sees(const warp_rows *w, int key, int n)
{
    return key < w->warp_end && key + n > w->warp_first;
}

// Does one see a key of the first square of a tile, and one of the last?
GRID_INLINE int sees_all(const warp_rows *w, int at)
{
    return w->warp_first < at + WARP_SIDE && w->warp_end > at + TILE - WARP_SIDE;
}

// The thread's values of a strip: zeros behind `rows` and behind `width`.
GRID_INLINE void fetch_strip(int t, const float *from, int64_t stride, int rows, int width,
                             strip_part *to)
{
    const int c = t % 16 * 4;
    memset(to, 0, sizeof *to);
    GRID_UNROLL
    for (int i = 0; i < FOURS; i++) {
        const int r = t / 16 + 16 * i;
        if (r < rows && c < width)
            warp_get_four(from + r * stride + c, to->x[i]);
    }
}

GRID_INLINE void store_strip(int t, const strip_part *from, uint16_t *to)
{
    GRID_UNROLL
    for (int i = 0; i < FOURS; i++) {
        const float *x = from->x[i];
        warp_put_four(warp_pack(x[0], x[1]), warp_pack(x[2], x[3]),
                      to + warp_spot(t / 16 + 16 * i, t % 16 * 4));
    }
}

// Strip `part` of the tile of keys `at`: first those of keys, then those of values.
GRID_INLINE void fetch_part(int t, const device_attention *a, const tile_place *p, int at, int part,
                            int strips, strip_part *to)
{
    const int c = part % strips * WARP_WIDTH;
    const float *from = (part < strips ? p->k : p->v) + at * a->kv_stride + c;
    fetch_strip(t, from, a->kv_stride, p->end - at, a->head_dim - c, to);
}

// All queries: `strips` of them, each of 128 / share rows.
GRID_INLINE void load_queries(const device_attention *a, const tile_place *p, int strips, int share,
                              uint16_t *query)
{
    GRID_KEPT(strip_part, held);
    for (int c = 0; c < strips * WARP_WIDTH; c += WARP_WIDTH)
        for (int r = 0; r < BLOCK_ROWS / share; r += TILE)
            GRID_EACH_THREAD(t)
            {
                fetch_strip(t, p->q + r * a->q_stride + c, a->q_stride, p->queries - r,
                            a->head_dim - c, &GRID_OWN(held, t));
                store_strip(t, &GRID_OWN(held, t),
                            query + c * (BLOCK_ROWS / share) + r * WARP_WIDTH);
            }
}

// The warp's scores += queries · keys, of a strip of `depth` values, the others of which are zero.
// `whole`: all keys are seen, and all values there.
GRID_INLINE void score_keys(int w, const warp_rows *seen, const uint16_t *query,
                            const uint16_t *keys, int at, int depth, int share, int whole,
                            warp_scores *scores)
{
    GRID_KEPT(warp_square, q);
    GRID_KEPT(warp_square, k);
    GRID_UNROLL
    for (int c = 0; c < WARP_WIDTH; c += WARP_SIDE) {
        if (!whole && c >= depth)
            continue;
        GRID_EACH_LANE(t, w)
        warp_load(t, query, row_of_warp(w, share), c, &GRID_OWN(q, t));
        GRID_UNROLL
        for (int n = 0; n < TILE; n += WARP_SIDE) {
            if (!whole && !sees(seen, at + n, WARP_SIDE))
                continue;
            GRID_EACH_LANE(t, w)
            warp_load(t, keys, n, c, &GRID_OWN(k, t));
            GRID_EACH_LANE(t, w)
            {
                float(*x)[4] = GRID_AT(scores, t).x + n / 8;
                warp_multiply(t, &GRID_OWN(q, t), &GRID_OWN(k, t), 0, 2, x[0]);
                warp_multiply(t, &GRID_OWN(q, t), &GRID_OWN(k, t), 1, 3, x[1]);
            }
        }
    }
}

// Caps the thread's scores, makes those -infinity that a row does not see, and finds its largest ones.
GRID_INLINE void mask_scores(int t, const device_attention *a, const warp_rows *w, int at,
                             warp_scores *s, warp_pair *most)
{
    most->x[0] = most->x[1] = -INFINITY;
    if (a->cap > 0) {
        const float factor = a->scale / a->cap;
        GRID_UNROLL
        for (int n = 0; n < EIGHTS; n++)
            GRID_UNROLL
        for (int i = 0; i < 4; i++)
            s->x[n][i] = tanhf(factor * s->x[n][i]);
    }
    GRID_UNROLL
    for (int r = 0; r < 2; r++) {
        const int end = w->end[r], first = a->causal && a->window > 0 ? end - a->window : 0;
        if (at >= first && at + TILE <= end)
            continue;
        GRID_UNROLL
        for (int n = 0; n < EIGHTS; n++)
            GRID_UNROLL
        for (int i = 2 * r; i < 2 * r + 2; i++) {
            const int key = at + n * 8 + t % 4 * 2 + i % 2;
            s->x[n][i] = key >= first && key < end ? s->x[n][i] : -INFINITY;
        }
    }
    GRID_UNROLL
    for (int n = 0; n < EIGHTS; n++)
        GRID_UNROLL
    for (int i = 0; i < 4; i++)
        most->x[i / 2] = fmaxf(s->x[n][i], most->x[i / 2]); // the other one of NaN
}

// Scores become exp(score - largest), by way of 2^x: `factor`, above 0, has log2(e) in it. NaN stays
// NaN. A row that has seen no key yet has -infinity for its largest, and only zeros. Outputs are
// scaled to the maximum that they have now: by exactly 1 where it is the same, so that tiles which
// only its neighbours see do not change a row's bits; a fused multiply-add would.
GRID_INLINE void make_weights_of(const warp_pair *most, float factor, warp_rows *w, warp_scores *s,
                                 warp_outputs *out)
{
    GRID_UNROLL
    for (int r = 0; r < 2; r++) {
        const float max = fmaxf(most->x[r], w->max[r]);
        const float base = max == -INFINITY ? 0 : factor * max;
        const float kept = warp_exp2(factor * w->max[r] - base);
        float sum = 0;
        GRID_UNROLL
        for (int n = 0; n < EIGHTS; n++)
            GRID_UNROLL
        for (int i = 2 * r; i < 2 * r + 2; i++) {
            s->x[n][i] = warp_exp2(fmaf(factor, s->x[n][i], -base));
            sum += s->x[n][i];
        }
        w->sum[r] = fmaf(w->sum[r], kept, sum);
        w->max[r] = max;
        GRID_UNROLL
        for (int n = 0; n < OUTPUTS; n++)
            GRID_UNROLL
        for (int i = 2 * r; i < 2 * r + 2; i++)
            out->x[n][i] *= kept;
    }
}

GRID_INLINE void weigh_scores(const device_attention *a, int at, warp_rows *rows,
                              warp_scores *scores, warp_outputs *out)
{
    const float factor = (a->cap > 0 ? a->cap : a->scale) * 1.44269504f;
    GRID_KEPT(warp_pair, most);
    GRID_EACH_WARP(w)
    {
        if (!sees(&GRID_AT(rows, w * GRID_WARP), at, TILE))
            continue;
        GRID_EACH_LANE(t, w)
        mask_scores(t, a, &GRID_AT(rows, t), at, &GRID_AT(scores, t), &GRID_OWN(most, t));
        GRID_EACH_LANE(t, w)
        {
            const warp_pair all = warp_largest(t, &GRID_OWN(most, t));
            make_weights_of(&all, factor, &GRID_AT(rows, t), &GRID_AT(scores, t), &GRID_AT(out, t));
        }
    }
}

// The warp's outputs of a strip += weights · values, of which `width` are not zero; `whole` as above.
GRID_INLINE void mix_values(int w, const warp_rows *seen, const warp_scores *scores,
                            const uint16_t *values, int at, int width, int share, int whole,
                            int strip, warp_outputs *out)
{
    const int column = column_of_warp(w, share);
    GRID_KEPT(warp_square, weight);
    GRID_KEPT(warp_square, v);
    GRID_UNROLL
    for (int k = 0; k < TILE; k += WARP_SIDE) {
        if (!whole && !sees(seen, at + k, WARP_SIDE))
            continue;
        GRID_EACH_LANE(t, w)
        {
            const float(*x)[4] = GRID_AT(scores, t).x + k / 8;
            GRID_UNROLL
            for (int i = 0; i < 4; i++)
                GRID_OWN(weight, t).x[i] = warp_pack(x[i / 2][i % 2 * 2], x[i / 2][i % 2 * 2 + 1]);
        }
        GRID_UNROLL
        for (int n = 0; n < WARP_WIDTH / share; n += WARP_SIDE) {
            if (!whole && column + n >= width)
                continue;
            GRID_EACH_LANE(t, w)
            warp_load_turned(t, values, k, column + n, &GRID_OWN(v, t));
            GRID_EACH_LANE(t, w)
            {
                float(*x)[4] = GRID_AT(out, t).x + strip * (EIGHTS / share) + n / 8;
                warp_multiply(t, &GRID_OWN(weight, t), &GRID_OWN(v, t), 0, 1, x[0]);
                warp_multiply(t, &GRID_OWN(weight, t), &GRID_OWN(v, t), 2, 3, x[1]);
            }
        }
    }
}

// Strip `part` of the tile of keys `at`, which is in shared memory, into scores or outputs.
GRID_INLINE void multiply_part(const device_attention *a, int at, int part, int strips, int share,
                               const uint16_t *query, const uint16_t *strip, const warp_rows *rows,
                               warp_scores *scores, warp_outputs *out)
{
    const int c = part % strips, width = a->head_dim - c * WARP_WIDTH;
    query += c * (BLOCK_ROWS / share) * WARP_WIDTH;
    GRID_EACH_WARP(w)
    {
        const warp_rows *seen = &GRID_AT(rows, w * GRID_WARP);
        const int whole = sees_all(seen, at) && width >= WARP_WIDTH;
        if (!sees(seen, at, TILE))
            continue;
        if (part < strips && whole)
            score_keys(w, seen, query, strip, at, width, share, 1, scores);
        else if (part < strips)
            score_keys(w, seen, query, strip, at, width, share, 0, scores);
        else if (whole)
            mix_values(w, seen, scores, strip, at, width, share, 1, c, out);
        else
            mix_values(w, seen, scores, strip, at, width, share, 0, c, out);
    }
}

// What rows and warps see, and with it the block; outputs are zeros.
GRID_INLINE void begin_rows(const device_attention *a, const int32_t *position, int share,
                            strip_memory *m, tile_place *p, warp_rows *rows, warp_outputs *out)
{
    const int warps = WARP_COUNT / share;
    GRID_EACH_THREAD(t)
    if (t < warps * WARP_SIDE)
        find_span(t, a, p, position, &m->span.first[t], &m->span.end[t]);
    GRID_BARRIER();
    GRID_EACH_THREAD(t)
    if (t < warps) {
        m->span.warp_first[t] = p->keys;
        m->span.warp_end[t] = 0;
        for (int r = t * WARP_SIDE; r < (t + 1) * WARP_SIDE; r++)
            join_span(m->span.first[r], m->span.end[r], &m->span.warp_first[t],
                      &m->span.warp_end[t]);
    }
    GRID_BARRIER();
    for (int i = 0; i < warps; i++)
        join_span(m->span.warp_first[i], m->span.warp_end[i], &p->first, &p->end);
    p->first = grid_uniform(p->first);
    p->end = grid_uniform(p->end);
    GRID_EACH_THREAD(t)
    {
        warp_rows *w = &GRID_AT(rows, t);
        memset(&GRID_AT(out, t), 0, sizeof(warp_outputs));
        w->warp_first = grid_uniform(m->span.warp_first[row_of_thread(t, share, 0) / WARP_SIDE]);
        w->warp_end = grid_uniform(m->span.warp_end[row_of_thread(t, share, 0) / WARP_SIDE]);
        GRID_UNROLL
        for (int r = 0; r < 2; r++) {
            const int row = row_of_thread(t, share, r);
            w->max[r] = -INFINITY;
            w->sum[r] = 0;
            w->end[r] = m->span.end[row];
        }
    }
    GRID_BARRIER(); // strips come where the spans are
}

GRID_INLINE void store_rows(int t, const device_attention *a, const tile_place *p, int strips,
                            int share, const warp_pair *sum, const warp_outputs *out)
{
    const int first = column_of_warp(t / GRID_WARP, share) + t % 4 * 2;
    GRID_UNROLL
    for (int r = 0; r < 2; r++) {
        const int row = row_of_thread(t, share, r);
        const float factor = 1 / sum->x[r];
        GRID_UNROLL
        for (int n = 0; n < strips * (EIGHTS / share); n++) {
            const int c = first + n / (EIGHTS / share) * WARP_WIDTH + n % (EIGHTS / share) * 8;
            if (row < p->queries && c < a->head_dim)
                warp_put_two(out->x[n][2 * r] * factor, out->x[n][2 * r + 1] * factor,
                             p->out + row * a->q_stride + c);
        }
    }
}

GRID_INLINE void attend_block(const device_attention *a, int64_t block, int head, int strips,
                              int share, uint16_t *query, strip_memory *m)
{
    GRID_KEPT(warp_rows, rows);
    GRID_KEPT(warp_scores, scores);
    GRID_KEPT(warp_outputs, out);
    GRID_KEPT(strip_part, held);
    GRID_KEPT(warp_pair, sum);
    const int32_t *position;
    tile_place p = find_place(a, block, head, BLOCK_ROWS / share, &position);
    if (grid_uniform(p.queries) <= 0)
        return;
    begin_rows(a, position, share, m, &p, GRID_ALL(rows), GRID_ALL(out));
    load_queries(a, &p, strips, share, query);
    const int begin = p.first / TILE * TILE;
    GRID_EACH_THREAD(t)
    {
        fetch_part(t, a, &p, begin, 0, strips, &GRID_OWN(held, t));
        store_strip(t, &GRID_OWN(held, t), m->strip[0]);
    }
    GRID_BARRIER();
    for (int at = begin; at < p.end; at += TILE) {
        GRID_EACH_THREAD(t)
        memset(&GRID_OWN(scores, t), 0, sizeof(warp_scores));
        GRID_UNROLL
        for (int part = 0; part < 2 * strips; part++) {
            const int next = (part + 1) % (2 * strips);
            GRID_EACH_THREAD(t)
            fetch_part(t, a, &p, next ? at : at + TILE, next, strips, &GRID_OWN(held, t));
            multiply_part(a, at, part, strips, share, query, m->strip[part % 2], GRID_ALL(rows),
                          GRID_ALL(scores), GRID_ALL(out));
            GRID_EACH_THREAD(t)
            store_strip(t, &GRID_OWN(held, t), m->strip[next % 2]);
            if (part + 1 == strips)
                weigh_scores(a, at, GRID_ALL(rows), GRID_ALL(scores), GRID_ALL(out));
            GRID_BARRIER();
        }
    }
    GRID_EACH_THREAD(t)
    memcpy(GRID_OWN(sum, t).x, GRID_OWN(rows, t).sum, sizeof(warp_pair));
    GRID_EACH_THREAD(t)
    {
        const warp_pair all = warp_sum(t, &GRID_OWN(sum, t));
        store_rows(t, a, &p, strips, share, &all, &GRID_OWN(out, t));
    }
}

// A kernel for heads of up to 64 · strips values. Shared memory is within the 48 KB that need no
// asking: where queries are too wide for that, two warps share 16 of them.
#define SQUARES_KERNEL(name, strips, share, blocks)                                                \
    GRID_KERNEL_OF(name, device_attention, blocks)                                                 \
    {                                                                                              \
        GRID_SHARED GRID_ALIGNED uint16_t query[(strips)*WARP_WIDTH * BLOCK_ROWS / (share)];       \
        GRID_SHARED strip_memory m;                                                                \
        attend_block(&a, GRID_BLOCK, GRID_LEVEL, strips, share, query, &m);                        \
    }
SQUARES_KERNEL(attend_squares_narrow, 1, 1, 2)
SQUARES_KERNEL(attend_squares_middle, 2, 1, 1)
SQUARES_KERNEL(attend_squares_wide, WIDEST, 2, 1)

// Are values read four and written two at a time? Heads of a number that four divides always are.
static int is_in_fours(const device_attention *a)
{
    const uintptr_t at = (uintptr_t)a->q | (uintptr_t)a->k | (uintptr_t)a->v | (uintptr_t)a->out;
    return at % 16 == 0 && a->q_stride % 4 == 0 && a->kv_stride % 4 == 0 && a->head_dim % 4 == 0;
}

static void attend_in_bf16(device *d, const device_attention *a)
{
    const int64_t blocks = a->samples * count_blocks(a, BLOCK_ROWS);
    if (a->head_dim <= TILE)
        GRID_RUN(d, attend_squares_narrow, blocks, a->heads, *a);
    else if (a->head_dim <= 2 * TILE)
        GRID_RUN(d, attend_squares_middle, blocks, a->heads, *a);
    else
        GRID_RUN(d, attend_squares_wide, a->samples * count_blocks(a, BLOCK_ROWS / 2), a->heads,
                 *a);
}

#endif
