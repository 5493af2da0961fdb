// SPDX-License-Identifier: Apache-2.0
#include "model/attention_avx512.h"

#if defined(__x86_64__)

#include <immintrin.h>
#include <math.h>

enum { LANES = 16 };

#define INLINE static inline __attribute__((always_inline))
#define F32    __attribute__((target("avx512f")))

// The lanes of the vector at `i` that lie in the span.
F32 INLINE __mmask16 lanes_in(kernel_span s, int32_t i)
{
    const int32_t first = s.first - i, end = s.end - i;
    const uint32_t below = first <= 0 ? 0 : first >= LANES ? 0xffff : (1u << first) - 1;
    const uint32_t upto = end <= 0 ? 0 : end >= LANES ? 0xffff : (1u << end) - 1;
    return (__mmask16)(upto & ~below);
}

// 2^y: 2^k by its exponent, and 2^r, |r| <= 1/2, by its Taylor polynomial of degree 6.
F32 INLINE __m512 power_of_two(__m512 y)
{
    const __m512 k = _mm512_roundscale_ps(y, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
    const __m512 r = _mm512_sub_ps(y, k);
    __m512 p = _mm512_set1_ps(1.54035304e-4f);
    p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(1.33335581e-3f));
    p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(9.61812911e-3f));
    p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(5.55041087e-2f));
    p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(0.240226507f));
    p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(0.693147181f));
    p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(1));
    return _mm512_scalef_ps(p, k);
}

F32 INLINE float largest(const float *x, int32_t width, kernel_span seen)
{
    __m512 most = _mm512_set1_ps(-INFINITY);
    for (int32_t i = 0; i < width; i += LANES)
        most = _mm512_mask_max_ps(most, lanes_in(seen, i), most, _mm512_loadu_ps(x + i));
    return _mm512_reduce_max_ps(most);
}

F32 void attention_avx512_exp(float *x, int64_t rows, int64_t width, const kernel_span *seen,
                              float scale, float *sum)
{
    const __m512 factor = _mm512_set1_ps(scale * 1.44269504f); // 1 / ln 2
    for (int64_t r = 0; r < rows; r++, x += width) {
        const __m512 shift = _mm512_set1_ps(largest(x, (int32_t)width, seen[r]));
        __m512 total = _mm512_setzero_ps();
        for (int32_t i = 0; i < width; i += LANES) {
            const __m512 beside = _mm512_sub_ps(_mm512_loadu_ps(x + i), shift);
            const __m512 e = _mm512_maskz_mov_ps(lanes_in(seen[r], i),
                                                 power_of_two(_mm512_mul_ps(beside, factor)));
            _mm512_storeu_ps(x + i, e);
            total = _mm512_add_ps(total, e);
        }
        sum[r] = _mm512_reduce_add_ps(total);
    }
}

#else

void attention_avx512_exp(float *x, int64_t rows, int64_t width, const kernel_span *seen,
                          float scale, float *sum)
{
    kernel_exp_spans(x, rows, width, seen, scale, sum);
}

#endif
