// SPDX-License-Identifier: Apache-2.0
// Our own products are worth having because a block of packed weights, once in cache, serves all
// rows of a tile, and because the bits of an output do not depend on how many there are, which
// caches of neurons rely on.
#include "model/kernels/products_avx512.h"

#include <string.h>

#include "model/kernels/bfloat16.h"
#include "model/kernels/product_finish.h"

#if defined(__x86_64__)

#include <immintrin.h>

// A tile is at most TILE_ROWS rows by a block of outputs, VECTORS of 16: 24 sums, which with a
// group of weights and one of x are just fewer than the 32 registers. The loops over a tile have
// constant bounds once they are inlined, so that compilers unroll them and the sums never leave the
// registers. GCC does so early enough only when it is told, clang only when it is not.
enum { TILE_ROWS = 6, LANES = 16, VECTORS = PACK_OUTPUTS / LANES };

#ifdef __clang__
#define FOR(i, n) for (int i = 0; i < (n); i++) // NOLINT(bugprone-macro-parentheses)
#else
#define FOR(i, n) _Pragma("GCC unroll 8") for (int i = 0; i < (n); i++)
#endif
#define INLINE static inline __attribute__((always_inline))
#define F32    __attribute__((target("avx512f")))
#define BF16   __attribute__((target("avx512f,avx512bw,avx512vl,avx512bf16")))

// One block of outputs.
typedef struct block {
    int in;
    int64_t x_stride, y_stride;
    const void *w;
    const float *bias; // NULL: none
    bool add;
    __mmask16 last; // outputs that there are in the last of its vectors
} block;

// Which outputs of vector v of `vectors` there are.
F32 INLINE __mmask16 lanes_of(const block *b, int v, int vectors)
{
    return v == vectors - 1 ? b->last : 0xffff;
}

F32 INLINE void begin_sums(int rows, int vectors, const block *b, const float *y,
                           __m512 sum[TILE_ROWS][VECTORS])
{
    if (b->add) {
        FOR (r, rows)
            FOR (v, vectors)
                sum[r][v] =
                    _mm512_maskz_loadu_ps(lanes_of(b, v, vectors), y + r * b->y_stride + v * LANES);
        if (b->bias)
            FOR (v, vectors) {
                const __m512 own =
                    _mm512_maskz_loadu_ps(lanes_of(b, v, vectors), b->bias + v * LANES);
                FOR (r, rows)
                    sum[r][v] = _mm512_add_ps(sum[r][v], own);
            }
    } else if (b->bias) {
        FOR (v, vectors)
            sum[0][v] = _mm512_maskz_loadu_ps(lanes_of(b, v, vectors), b->bias + v * LANES);
        FOR (r, rows - 1)
            FOR (v, vectors)
                sum[r + 1][v] = sum[0][v];
    } else {
        FOR (r, rows)
            FOR (v, vectors)
                sum[r][v] = _mm512_setzero_ps();
    }
}

F32 INLINE void store_sums(int rows, int vectors, const block *b, __m512 sum[TILE_ROWS][VECTORS],
                           float *y)
{
    FOR (r, rows)
        FOR (v, vectors)
            _mm512_mask_storeu_ps(y + r * b->y_stride + v * LANES, lanes_of(b, v, vectors),
                                  sum[r][v]);
}

F32 INLINE void f32_tile(int rows, int vectors, const block *b, const float *x, float *y)
{
    __m512 sum[TILE_ROWS][VECTORS], group[VECTORS];
    const float *w = b->w;
    begin_sums(rows, vectors, b, y, sum);
    for (int i = 0; i < b->in; i++, w += PACK_OUTPUTS) {
        FOR (v, vectors)
            group[v] = _mm512_loadu_ps(w + v * LANES);
        FOR (r, rows) {
            const __m512 all = _mm512_set1_ps(x[r * b->x_stride + i]);
            FOR (v, vectors)
                sum[r][v] = _mm512_fmadd_ps(all, group[v], sum[r][v]);
        }
    }
    store_sums(rows, vectors, b, sum, y);
}

// A group of weights, two inputs of each output, times x's two inputs of each row.
BF16 INLINE void add_pair(int rows, int vectors, const uint32_t *w, const uint32_t pair[TILE_ROWS],
                          __m512 sum[TILE_ROWS][VECTORS])
{
    __m512i group[VECTORS];
    FOR (v, vectors)
        group[v] = _mm512_loadu_si512(w + v * LANES);
    FOR (r, rows) {
        const __m512i all = _mm512_set1_epi32((int)pair[r]);
        FOR (v, vectors)
            sum[r][v] = _mm512_dpbf16_ps(sum[r][v], (__m512bh)all, (__m512bh)group[v]);
    }
}

BF16 INLINE void bf16_tile(int rows, int vectors, const block *b, const uint16_t *x, float *y)
{
    __m512 sum[TILE_ROWS][VECTORS];
    uint32_t pair[TILE_ROWS] = {0};
    const uint32_t *w = b->w;
    begin_sums(rows, vectors, b, y, sum);
    for (int i = 0; i < b->in / 2; i++, w += PACK_OUTPUTS) {
        FOR (r, rows)
            memcpy(&pair[r], x + r * b->x_stride + 2 * i, sizeof pair[r]);
        add_pair(rows, vectors, w, pair, sum);
    }
    if (b->in % 2) {
        FOR (r, rows)
            pair[r] = x[r * b->x_stride + b->in - 1];
        add_pair(rows, vectors, w, pair, sum);
    }
    store_sums(rows, vectors, b, sum, y);
}

// A function for each size of a tile, so that each has its sums in registers.
typedef void tile_function(const block *b, const void *x, float *y);
#define DEFINE_TILE(target, form, type, rows, vectors)                                             \
    target static void form##_##rows##_##vectors(const block *b, const void *x, float *y)          \
    {                                                                                              \
        const type *from = x;                                                                      \
        form##_tile(rows, vectors, b, from, y);                                                    \
    }
#define DEFINE_TILES(target, form, type, vectors)                                                  \
    DEFINE_TILE(target, form, type, 1, vectors)                                                    \
    DEFINE_TILE(target, form, type, 2, vectors)                                                    \
    DEFINE_TILE(target, form, type, 3, vectors)                                                    \
    DEFINE_TILE(target, form, type, 4, vectors)                                                    \
    DEFINE_TILE(target, form, type, 5, vectors)                                                    \
    DEFINE_TILE(target, form, type, 6, vectors)
#define TILES(form, vectors)                                                                       \
    {                                                                                              \
        form##_1_##vectors, form##_2_##vectors, form##_3_##vectors, form##_4_##vectors,            \
            form##_5_##vectors, form##_6_##vectors                                                 \
    }
#define DEFINE_FORM(target, form, type)                                                            \
    DEFINE_TILES(target, form, type, 1)                                                            \
    DEFINE_TILES(target, form, type, 2)                                                            \
    DEFINE_TILES(target, form, type, 3)                                                            \
    DEFINE_TILES(target, form, type, 4)                                                            \
    static tile_function *const form##_tiles[VECTORS][TILE_ROWS] = {                               \
        TILES(form, 1), TILES(form, 2), TILES(form, 3), TILES(form, 4)};
DEFINE_FORM(F32, f32, float)
DEFINE_FORM(BF16, bf16, uint16_t)

// Rows that are finished at once, while they are in the nearest cache.
enum { FINISH_ROWS = 4 * TILE_ROWS };

static void finish_rows(const product_shape *s, int from, int end, int first, int n, float *y)
{
    const product_finish here = product_finish_from(s->finish, from);
    product_finish_rows(&here, products_avx512_round, end - from, first, n,
                        y + from * s->y_stride + first, s->y_stride);
}

// All rows by one block after the other: a block stays in cache while the rows go by.
void products_avx512_run(const product_shape *s, const void *x, const void *w, const float *bias,
                         float *y)
{
    const bool half = s->form == PACKING_BF16;
    const size_t value = half ? sizeof(uint16_t) : sizeof(float);
    const size_t block_bytes = packing_block_bytes(s->form, s->in);
    block b = {.in = s->in, .x_stride = s->x_stride, .y_stride = s->y_stride, .add = s->add};
    for (int first = 0; first < s->out; first += PACK_OUTPUTS) {
        const int left = s->out - first, n = left < PACK_OUTPUTS ? left : PACK_OUTPUTS;
        const int vectors = (n + LANES - 1) / LANES;
        tile_function *const *tiles = half ? bf16_tiles[vectors - 1] : f32_tiles[vectors - 1];
        b.w = (const char *)w + (size_t)(first / PACK_OUTPUTS) * block_bytes;
        b.bias = s->bias ? bias + first : NULL;
        b.last = (__mmask16)(0xffff >> (vectors * LANES - n));
        for (int r = 0; r < s->rows; r += TILE_ROWS) {
            const int rows = s->rows - r < TILE_ROWS ? s->rows - r : TILE_ROWS;
            tiles[rows - 1](&b, (const char *)x + (size_t)(r * s->x_stride) * value,
                            y + r * s->y_stride + first);
            if (s->finish && (r % FINISH_ROWS == FINISH_ROWS - TILE_ROWS || r + rows == s->rows))
                finish_rows(s, r / FINISH_ROWS * FINISH_ROWS, r + rows, first, n, y);
        }
    }
}

BF16 void products_avx512_round(const float *x, size_t n, uint16_t *half)
{
    for (size_t i = 0; i < n; i += LANES) {
        const size_t left = n - i;
        const __mmask16 mask = left < LANES ? (__mmask16)((1u << left) - 1) : 0xffff;
        const __m256bh nearest = _mm512_cvtneps_pbh(_mm512_maskz_loadu_ps(mask, x + i));
        _mm256_mask_storeu_epi16(half + i, mask, (__m256i)nearest);
    }
}

BF16 void products_avx512_pair(const float *x, const float *y, int n, uint32_t *word)
{
    for (int i = 0; i < n; i += LANES) {
        const __mmask16 mask = n - i < LANES ? (__mmask16)((1u << (n - i)) - 1) : 0xffff;
        const __m256bh low = _mm512_cvtneps_pbh(_mm512_maskz_loadu_ps(mask, x + i));
        const __m256bh high = _mm512_cvtneps_pbh(_mm512_maskz_loadu_ps(mask, y + i));
        const __m512i above = _mm512_slli_epi32(_mm512_cvtepu16_epi32((__m256i)high), 16);
        _mm512_mask_storeu_epi32(word + i, mask,
                                 _mm512_or_si512(_mm512_cvtepu16_epi32((__m256i)low), above));
    }
}

bool products_avx512_has(packing form)
{
    switch (form) {
    case PACKING_F32:
        return __builtin_cpu_supports("avx512f");
    case PACKING_BF16:
        return __builtin_cpu_supports("avx512bf16") && __builtin_cpu_supports("avx512vl") &&
               __builtin_cpu_supports("avx512bw");
    default:
        return false;
    }
}

#else

bool products_avx512_has(packing form)
{
    (void)form;
    return false;
}

void products_avx512_run(const product_shape *s, const void *x, const void *w, const float *bias,
                         float *y)
{
    (void)s, (void)x, (void)w, (void)bias, (void)y;
}

void products_avx512_round(const float *x, size_t n, uint16_t *half)
{
    bfloat16_round(x, n, half);
}

void products_avx512_pair(const float *x, const float *y, int n, uint32_t *word)
{
    (void)x, (void)y, (void)n, (void)word;
}

#endif

static status run_product(void *kept, const product_shape *shape, const void *x, const void *w,
                          const float *bias, float *y)
{
    (void)kept;
    products_avx512_run(shape, x, w, bias, y);
    return OK;
}

const product_engine products_avx512 = {
    .name = {[PACKING_F32] = "sulcus AVX-512", [PACKING_BF16] = "sulcus AVX-512-BF16"},
    .own = true,
    .has = products_avx512_has,
    .run = run_product,
    .round = products_avx512_round,
};
