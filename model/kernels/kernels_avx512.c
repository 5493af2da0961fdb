// SPDX-License-Identifier: Apache-2.0
// By hand because compilers do not find these: masks for a row's end instead of a second loop,
// tables looked up in registers, roots and divisions of sixteen rows at once. Bits differ from the
// plain form's; tests hold both against libm.
#include "model/kernels/kernel_set.h"

#if defined(__x86_64__)

#include <immintrin.h>
#include <math.h>

enum { LANES = 16, SUMS = 4 };

#define INLINE static inline __attribute__((always_inline))
#define F32    __attribute__((target("avx512f")))

// The lanes that n elements fill.
F32 INLINE __mmask16 lanes_of(int64_t n)
{
    return n < LANES ? (__mmask16)((1u << n) - 1) : 0xffff;
}

F32 INLINE __m512 load_lanes(const float *x, int64_t i, int64_t n)
{
    return _mm512_maskz_loadu_ps(lanes_of(n - i), x + i);
}

F32 INLINE float add_sums(const __m512 sum[SUMS])
{
    return _mm512_reduce_add_ps(
        _mm512_add_ps(_mm512_add_ps(sum[0], sum[1]), _mm512_add_ps(sum[2], sum[3])));
}

F32 INLINE float sum_of(const float *x, int64_t n)
{
    __m512 sum[SUMS] = {_mm512_setzero_ps(), _mm512_setzero_ps(), _mm512_setzero_ps(),
                        _mm512_setzero_ps()};
    int64_t i = 0;
    for (; i + SUMS * LANES <= n; i += SUMS * LANES)
        for (int s = 0; s < SUMS; s++)
            sum[s] = _mm512_add_ps(sum[s], _mm512_loadu_ps(x + i + s * LANES));
    for (; i < n; i += LANES)
        sum[0] = _mm512_add_ps(sum[0], load_lanes(x, i, n));
    return add_sums(sum);
}

// Of the differences from `mean`.
F32 INLINE float squares_of(const float *x, int64_t n, float mean)
{
    const __m512 middle = _mm512_set1_ps(mean);
    __m512 sum[SUMS] = {_mm512_setzero_ps(), _mm512_setzero_ps(), _mm512_setzero_ps(),
                        _mm512_setzero_ps()};
    int64_t i = 0;
    for (; i + SUMS * LANES <= n; i += SUMS * LANES)
        for (int s = 0; s < SUMS; s++) {
            const __m512 d = _mm512_sub_ps(_mm512_loadu_ps(x + i + s * LANES), middle);
            sum[s] = _mm512_fmadd_ps(d, d, sum[s]);
        }
    for (; i < n; i += LANES) {
        const __m512 d = _mm512_maskz_sub_ps(lanes_of(n - i), load_lanes(x, i, n), middle);
        sum[0] = _mm512_fmadd_ps(d, d, sum[0]);
    }
    return add_sums(sum);
}

// Rows whose divisions and roots are taken at once, as the lanes of a vector: one row after the
// other would wait for them.
enum { NORM_ROWS = LANES };

// scale[r] = 1 / sqrt(mean[r] + eps); false when one is NaN or infinite.
F32 INLINE bool invert_roots(const float mean[NORM_ROWS], int64_t rows, float eps,
                             float scale[NORM_ROWS])
{
    const __m512 m = load_lanes(mean, 0, rows);
    const __m512 root = _mm512_sqrt_ps(_mm512_add_ps(m, _mm512_set1_ps(eps)));
    _mm512_storeu_ps(scale, _mm512_div_ps(_mm512_set1_ps(1), root));
    return _mm512_cmp_ps_mask(_mm512_abs_ps(m), _mm512_set1_ps(INFINITY), _CMP_NLT_UQ) == 0;
}

F32 static bool avx512_layer_norm(const float *x, int64_t rows, int64_t width, const float *weight,
                                  const float *bias, float eps, float *out)
{
    const float share = 1.0f / (float)width;
    float mean[NORM_ROWS], variance[NORM_ROWS], scale[NORM_ROWS];
    bool finite = true;
    for (int64_t left; rows > 0; rows -= left) {
        left = rows < NORM_ROWS ? rows : NORM_ROWS;
        for (int64_t r = 0; r < left; r++) {
            mean[r] = sum_of(x + r * width, width) * share;
            variance[r] = squares_of(x + r * width, width, mean[r]) * share;
        }
        finite = invert_roots(variance, left, eps, scale) && finite;
        for (int64_t r = 0; r < left; r++, x += width, out += width)
            for (int64_t i = 0; i < width; i += LANES) {
                const __m512 d = _mm512_sub_ps(load_lanes(x, i, width), _mm512_set1_ps(mean[r]));
                const __m512 n = _mm512_mul_ps(d, _mm512_set1_ps(scale[r]));
                const __m512 y =
                    _mm512_fmadd_ps(n, load_lanes(weight, i, width), load_lanes(bias, i, width));
                _mm512_mask_storeu_ps(out + i, lanes_of(width - i), y);
            }
    }
    return finite;
}

F32 static bool avx512_rms_norm(const float *x, int64_t x_stride, int64_t rows, int64_t width,
                                const float *weight, float eps, float *out, int64_t out_stride)
{
    const float share = 1.0f / (float)width;
    float square[NORM_ROWS], scale[NORM_ROWS];
    bool finite = true;
    for (int64_t left; rows > 0; rows -= left) {
        left = rows < NORM_ROWS ? rows : NORM_ROWS;
        for (int64_t r = 0; r < left; r++)
            square[r] = squares_of(x + r * x_stride, width, 0) * share;
        finite = invert_roots(square, left, eps, scale) && finite;
        for (int64_t r = 0; r < left; r++, x += x_stride, out += out_stride)
            for (int64_t i = 0; i < width; i += LANES) {
                const __m512 n = _mm512_mul_ps(load_lanes(x, i, width), _mm512_set1_ps(scale[r]));
                const __m512 y = _mm512_mul_ps(n, load_lanes(weight, i, width));
                _mm512_mask_storeu_ps(out + i, lanes_of(width - i), y);
            }
    }
    return finite;
}

// 2^y: 2^k by its exponent, and 2^r, |r| <= 1/2, by a polynomial of relative error 9e-8
// (tests/reference/fit_kernels.py).
F32 INLINE __m512 power_of_two(__m512 y)
{
    const __m512 k = _mm512_roundscale_ps(y, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
    const __m512 r = _mm512_sub_ps(y, k);
    __m512 p = _mm512_set1_ps(0.00132647238f);
    p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(0.00967151299f));
    p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(0.0555073358f));
    p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(0.240222424f));
    p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(0.693147004f));
    p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(1));
    return _mm512_scalef_ps(p, k);
}

#define PER_LN_2 1.44269504f

// The lanes of the vector at `i` that lie in the span.
F32 INLINE __mmask16 lanes_in(kernel_span s, int32_t i)
{
    const int32_t first = s.first - i, end = s.end - i;
    const uint32_t below = first <= 0 ? 0 : first >= LANES ? 0xffff : (1u << first) - 1;
    const uint32_t upto = end <= 0 ? 0 : end >= LANES ? 0xffff : (1u << end) - 1;
    return (__mmask16)(upto & ~below);
}

F32 INLINE float span_max(const float *x, int32_t width, kernel_span seen)
{
    __m512 most = _mm512_set1_ps(-INFINITY);
    for (int32_t i = 0; i < width; i += LANES)
        most = _mm512_mask_max_ps(most, lanes_in(seen, i), most, _mm512_loadu_ps(x + i));
    return _mm512_reduce_max_ps(most);
}

F32 static void avx512_exp_spans(float *x, int64_t rows, int64_t width, const kernel_span *seen,
                                 float scale, float *sum)
{
    const __m512 factor = _mm512_set1_ps(scale * PER_LN_2);
    for (int64_t r = 0; r < rows; r++, x += width) {
        const __m512 shift = _mm512_set1_ps(span_max(x, (int32_t)width, seen[r]));
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

F32 static float avx512_max(const float *x, int64_t n)
{
    __m512 most = _mm512_set1_ps(-INFINITY);
    for (int64_t i = 0; i < n; i += LANES)
        most = _mm512_mask_max_ps(most, lanes_of(n - i), most, load_lanes(x, i, n));
    return _mm512_reduce_max_ps(most);
}

F32 static float avx512_sum_exp(const float *x, int64_t n, float shift)
{
    const __m512 from = _mm512_set1_ps(shift), factor = _mm512_set1_ps(PER_LN_2);
    __m512 sum = _mm512_setzero_ps();
    for (int64_t i = 0; i < n; i += LANES) {
        const __m512 y = _mm512_mul_ps(_mm512_sub_ps(load_lanes(x, i, n), from), factor);
        sum = _mm512_mask_add_ps(sum, lanes_of(n - i), sum, power_of_two(y));
    }
    return _mm512_reduce_add_ps(sum);
}

// Φ(-a) where a is the multiple k of TAIL_STEP that is nearest to it, plus d: coefficients of d^0,
// d^1 .. for each k (tests/reference/fit_kernels.py). Relative error 5e-5, and 5e-7 up to a = 3.
// From TAIL_END it is taken to be 0; there it is 3e-9.
enum { TAIL_DEGREE = 5 };
#define TAIL_STEP 0.375f
#define TAIL_END  5.8125f
static const float normal_tail[TAIL_DEGREE + 1][LANES] __attribute__((aligned(64))) = {
    {0.5f, 0.353830248f, 0.22662735f, 0.130294517f, 0.066807203f, 0.0303963609f, 0.0122244712f,
     0.00433244789f, 0.00134989817f, 0.000369078654f, 8.84174224e-05f, 1.8536799e-05f,
     3.39769372e-06f, 5.4404785e-07f, 7.60508314e-08f, 9.27562027e-09f},
    {-0.398942262f, -0.37185508f, -0.301137418f, -0.211876646f, -0.129517615f, -0.0687862933f,
     -0.0317396671f, -0.0127241854f, -0.00443184562f, -0.0013411144f, -0.000352592528f,
     -8.05389063e-05f, -1.59831579e-05f, -2.7557669e-06f, -4.12803757e-07f, -5.37234754e-08f},
    {4.08615231e-09f, 0.0697210282f, 0.112924457f, 0.119179718f, 0.0971386284f, 0.0644880608f,
     0.0357077681f, 0.0167006869f, 0.0066477051f, 0.002263017f, 0.000661035068f, 0.000166076978f,
     3.595015e-05f, 6.71388125e-06f, 1.0828669e-06f, 1.50958982e-07f},
    {0.0664890483f, 0.053257402f, 0.0219553448f, -0.00938035455f, -0.0269810464f, -0.0288376417f,
     -0.0214888118f, -0.0124918958f, -0.00590952905f, -0.00232303212f, -0.000767984544f,
     -0.000215155771f, -5.13454652e-05f, -1.04761575e-05f, -1.83248926e-06f, -2.75378312e-07f},
    {-1.51555568e-07f, -0.0164757259f, -0.0227791201f, -0.0171567686f, -0.00610489352f,
     0.00269863312f, 0.00608580001f, 0.00539907906f, 0.00332940882f, 0.0015922396f, 0.000616157893f,
     0.000197135771f, 5.28100209e-05f, 1.1942202e-05f, 2.29248576e-06f, 3.75096249e-07f},
    {-0.0098992046f, -0.00664830068f, 0.000193500324f, 0.00526094157f, 0.00580738531f,
     0.0032305026f, 0.000435410271f, -0.000968153006f, -0.00109567121f, -0.000708005507f,
     -0.000334863114f, -0.000124616578f, -3.76925273e-05f, -9.43318446e-06f, -1.9751335e-06f,
     -3.48580784e-07f},
};

// x Φ(x) = x - x Φ(-x), so that both signs need the tail only. A vector's lanes look up their
// coefficients in registers: a third of what an exponential and a division take.
F32 static void avx512_gelu(float *x, size_t n)
{
    const __m512 whole = _mm512_set1_ps(12582912.0f); // 1.5 · 2^23: adding it rounds
    const __m512 end = _mm512_set1_ps(TAIL_END), step = _mm512_set1_ps(TAIL_STEP);
    __m512 table[TAIL_DEGREE + 1];
    for (int i = 0; i <= TAIL_DEGREE; i++)
        table[i] = _mm512_load_ps(normal_tail[i]);
    for (size_t i = 0; i < n; i += LANES) {
        const __m512 v = load_lanes(x, (int64_t)i, (int64_t)n), a = _mm512_abs_ps(v);
        const __m512 k = _mm512_fmadd_ps(a, _mm512_set1_ps(1 / TAIL_STEP), whole);
        const __m512 d = _mm512_fnmadd_ps(_mm512_sub_ps(k, whole), step, a);
        const __m512i which = _mm512_castps_si512(k); // its lowest four bits are those of k
        __m512 tail = _mm512_permutexvar_ps(which, table[TAIL_DEGREE]);
        for (int c = TAIL_DEGREE - 1; c >= 0; c--)
            tail = _mm512_fmadd_ps(tail, d, _mm512_permutexvar_ps(which, table[c]));
        tail = _mm512_maskz_mul_ps(_mm512_cmp_ps_mask(a, end, _CMP_LT_OQ), v, tail);
        const __mmask16 below = _mm512_cmp_ps_mask(v, _mm512_setzero_ps(), _CMP_LT_OQ);
        const __m512 y = _mm512_mask_mov_ps(_mm512_sub_ps(v, tail), below, tail);
        _mm512_mask_storeu_ps(x + i, lanes_of((int64_t)(n - i)), y);
    }
}

// 1 / y, y from 1 to 2^126: a Newton step doubles the 14 bits that the CPU knows.
F32 INLINE __m512 reciprocal(__m512 y)
{
    const __m512 near = _mm512_rcp14_ps(y);
    return _mm512_mul_ps(near, _mm512_fnmadd_ps(y, near, _mm512_set1_ps(2)));
}

F32 static void avx512_silu(float *x, size_t n)
{
    const __m512 factor = _mm512_set1_ps(-PER_LN_2), most = _mm512_set1_ps(125);
    for (size_t i = 0; i < n; i += LANES) {
        const __m512 v = load_lanes(x, (int64_t)i, (int64_t)n);
        const __m512 e = power_of_two(_mm512_min_ps(most, _mm512_mul_ps(v, factor))); // NaN stays
        const __m512 y = _mm512_mul_ps(v, reciprocal(_mm512_add_ps(_mm512_set1_ps(1), e)));
        _mm512_mask_storeu_ps(x + i, lanes_of((int64_t)(n - i)), y);
    }
}

// In each quarter of a vector, 4 by 4 words of four rows; then the quarters of rows that are four
// apart.
F32 INLINE void transpose_quarters(__m512i row[4])
{
    const __m512i a = _mm512_unpacklo_epi32(row[0], row[1]);
    const __m512i b = _mm512_unpackhi_epi32(row[0], row[1]);
    const __m512i c = _mm512_unpacklo_epi32(row[2], row[3]);
    const __m512i d = _mm512_unpackhi_epi32(row[2], row[3]);
    row[0] = _mm512_unpacklo_epi64(a, c);
    row[1] = _mm512_unpackhi_epi64(a, c);
    row[2] = _mm512_unpacklo_epi64(b, d);
    row[3] = _mm512_unpackhi_epi64(b, d);
}

enum { LOW = 0x44, HIGH = 0xee, EVEN = 0x88, ODD = 0xdd }; // quarters of two vectors

F32 static void avx512_transpose(const uint32_t *from, int64_t stride, uint32_t *to,
                                 int64_t to_stride)
{
    __m512i row[KERNEL_SQUARE];
    for (int i = 0; i < KERNEL_SQUARE; i++)
        row[i] = _mm512_loadu_si512(from + i * stride);
    for (int i = 0; i < KERNEL_SQUARE; i += 4)
        transpose_quarters(row + i);
    for (int j = 0; j < 4; j++) {
        const __m512i a = _mm512_shuffle_i32x4(row[j], row[j + 4], LOW);
        const __m512i b = _mm512_shuffle_i32x4(row[j + 8], row[j + 12], LOW);
        const __m512i c = _mm512_shuffle_i32x4(row[j], row[j + 4], HIGH);
        const __m512i d = _mm512_shuffle_i32x4(row[j + 8], row[j + 12], HIGH);
        _mm512_storeu_si512(to + j * to_stride, _mm512_shuffle_i32x4(a, b, EVEN));
        _mm512_storeu_si512(to + (j + 4) * to_stride, _mm512_shuffle_i32x4(a, b, ODD));
        _mm512_storeu_si512(to + (j + 8) * to_stride, _mm512_shuffle_i32x4(c, d, EVEN));
        _mm512_storeu_si512(to + (j + 12) * to_stride, _mm512_shuffle_i32x4(c, d, ODD));
    }
}

const kernel_set *kernels_avx512(void)
{
    static const kernel_set set = {avx512_layer_norm, avx512_rms_norm, avx512_exp_spans,
                                   avx512_max,        avx512_sum_exp,  avx512_gelu,
                                   avx512_silu,       avx512_transpose};
    return __builtin_cpu_supports("avx512f") ? &set : NULL;
}

#else

const kernel_set *kernels_avx512(void)
{
    return NULL;
}

#endif
