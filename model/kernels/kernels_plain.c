// SPDX-License-Identifier: Apache-2.0
// Plain C in the form that GCC and clang turn into vectors: sixteen partial sums, so that the order
// of additions is written down and the width of a CPU's vectors changes no bit. Compiled with
// -ffp-contract=fast (CMakeLists.txt): whether it has fused multiply-adds does. Each loop is
// compiled twice, for what any CPU has (which on Arm is NEON with them) and for AVX2 with FMA.
// SIMD_CLONES would not do: a clone is of one feature, and AVX2 alone has no FMA.
#include <math.h>
#include <string.h>

#include "model/kernels/kernel_set.h"
#include "pipeline/base/simd.h"

// A sum over n elements is LANES partial sums, element i in sum i % LANES, whose halves are added
// until one is left: the same bits whatever the CPU's vectors.
enum { LANES = 16 };

// The halves are written out: a loop over them is not unrolled in time, and their sums would take
// longer than a row's.
SIMD_INLINE float add_lanes(float lane[LANES])
{
    for (int j = 0; j < 8; j++)
        lane[j] += lane[j + 8];
    for (int j = 0; j < 4; j++)
        lane[j] += lane[j + 4];
    return (lane[0] + lane[2]) + (lane[1] + lane[3]);
}

SIMD_INLINE float row_sum(const float *x, int64_t n)
{
    float lane[LANES] = {0};
    int64_t i = 0;
    for (; i + LANES <= n; i += LANES)
        for (int j = 0; j < LANES; j++)
            lane[j] += x[i + j];
    for (int j = 0; i + j < n; j++)
        lane[j] += x[i + j];
    return add_lanes(lane);
}

SIMD_INLINE float row_squares(const float *x, int64_t n, float mean)
{
    float lane[LANES] = {0};
    int64_t i = 0;
    for (; i + LANES <= n; i += LANES)
        for (int j = 0; j < LANES; j++)
            lane[j] += (x[i + j] - mean) * (x[i + j] - mean);
    for (int j = 0; i + j < n; j++)
        lane[j] += (x[i + j] - mean) * (x[i + j] - mean);
    return add_lanes(lane);
}

SIMD_INLINE bool layer_norm(const float *x, int64_t rows, int64_t width, const float *weight,
                            const float *bias, float eps, float *out)
{
    bool finite = true;
    for (int64_t r = 0; r < rows; r++, x += width, out += width) {
        const float mean = row_sum(x, width) / (float)width;
        const float variance = row_squares(x, width, mean) / (float)width;
        const float scale = 1.0f / sqrtf(variance + eps);
        finite = finite && isfinite(variance);
        for (int64_t i = 0; i < width; i++)
            out[i] = (x[i] - mean) * scale * weight[i] + bias[i];
    }
    return finite;
}

SIMD_INLINE bool rms_norm(const float *x, int64_t x_stride, int64_t rows, int64_t width,
                          const float *weight, float eps, float *out, int64_t out_stride)
{
    bool finite = true;
    for (int64_t r = 0; r < rows; r++, x += x_stride, out += out_stride) {
        const float square = row_squares(x, width, 0) / (float)width;
        const float scale = 1.0f / sqrtf(square + eps);
        finite = finite && isfinite(square);
        for (int64_t i = 0; i < width; i++)
            out[i] = x[i] * scale * weight[i];
    }
    return finite;
}

// Floats as whole numbers of the same order, -0 below 0: compilers make vectors of the largest whole
// number, and not of the largest float, for the sake of NaN. One that is NaN is the largest or the
// least, by its sign.
SIMD_INLINE int32_t order_of(float x)
{
    int32_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits < 0 ? bits ^ INT32_MAX : bits;
}

SIMD_INLINE float largest_of(const int32_t lane[LANES])
{
    int32_t most = lane[0];
    for (int j = 1; j < LANES; j++)
        most = lane[j] > most ? lane[j] : most;
    most = most < 0 ? most ^ INT32_MAX : most;
    float x;
    memcpy(&x, &most, sizeof x);
    return x;
}

SIMD_INLINE float max(const float *x, int64_t n)
{
    int32_t lane[LANES];
    int64_t i = 0;
    for (int j = 0; j < LANES; j++)
        lane[j] = INT32_MIN;
    for (; i + LANES <= n; i += LANES)
        for (int j = 0; j < LANES; j++) {
            const int32_t v = order_of(x[i + j]);
            lane[j] = v > lane[j] ? v : lane[j];
        }
    for (; i < n; i++) {
        const int32_t v = order_of(x[i]);
        lane[0] = v > lane[0] ? v : lane[0];
    }
    return largest_of(lane);
}

SIMD_INLINE float sum_exp(const float *x, int64_t n, float shift)
{
    float lane[LANES] = {0};
    int64_t i = 0;
    for (; i + LANES <= n; i += LANES)
        for (int j = 0; j < LANES; j++)
            lane[j] += kernel_exp(x[i + j] - shift);
    for (int j = 0; i + j < n; j++)
        lane[j] += kernel_exp(x[i + j] - shift);
    return add_lanes(lane);
}

// Whole vectors: rows are short, and the ends of a span would cost as much as the rest. Those that
// are not all in the span have a choice for each element.
SIMD_INLINE float span_exp(float *x, int32_t width, kernel_span seen, float shift, float scale)
{
    float lane[LANES] = {0};
    for (int32_t i = 0; i < width; i += LANES) {
        if (i >= seen.first && i + LANES <= seen.end) {
            for (int j = 0; j < LANES; j++) {
                x[i + j] = kernel_exp((x[i + j] - shift) * scale);
                lane[j] += x[i + j];
            }
            continue;
        }
        for (int j = 0; j < LANES; j++) {
            float e = kernel_exp((x[i + j] - shift) * scale);
            x[i + j] = i + j >= seen.first && i + j < seen.end ? e : 0;
            lane[j] += x[i + j];
        }
    }
    return add_lanes(lane);
}

SIMD_INLINE void exp_spans(float *x, int64_t rows, int64_t width, const kernel_span *seen,
                           float scale, float *sum)
{
    for (int64_t r = 0; r < rows; r++, x += width)
        sum[r] = span_exp(x, (int32_t)width, seen[r],
                          max(x + seen[r].first, seen[r].end - seen[r].first), scale);
}

// x Φ(x) = x - x Φ(-x) for x > 0, and Φ(-|x|) = exp(-x²/2) g(|x|) with g smooth: a polynomial in t
// = 1 / (1 + 0.3 |x|), fitted to g = erfcx(|x|/√2) / 2 with relative error 1.5e-7 up to |x| = 14.
// So the tail is relatively right too.
SIMD_INLINE void gelu(float *x, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        float v = x[i], a = v < 0.0f ? -v : v;
        float t = 1.0f / (1.0f + 0.3f * a);
        float g = 0.0356751237f;
        g = g * t - 0.157204471f;
        g = g * t + 0.206355762f;
        g = g * t - 0.0536855810f;
        g = g * t + 0.128562573f;
        g = g * t + 0.0999132301f;
        g = g * t + 0.120753994f;
        g = g * t + 0.119629297f;
        float tail = v * (g * t * kernel_exp(-0.5f * a * a));
        x[i] = v < 0.0f ? tail : v - tail;
    }
}

SIMD_INLINE void silu(float *x, size_t n)
{
    for (size_t i = 0; i < n; i++)
        x[i] = x[i] / (1.0f + kernel_exp(-x[i]));
}

SIMD_INLINE void transpose(const uint32_t *from, int64_t stride, uint32_t *to, int64_t to_stride)
{
    for (int j = 0; j < KERNEL_SQUARE; j++)
        for (int i = 0; i < KERNEL_SQUARE; i++)
            to[j * to_stride + i] = from[i * stride + j];
}

// A set of the loops above, each compiled for a target.
// NOLINTBEGIN(bugprone-macro-parentheses)
#define DEFINE_SET(set, target)                                                                    \
    target static bool set##_layer_norm(const float *x, int64_t rows, int64_t width,               \
                                        const float *weight, const float *bias, float eps,         \
                                        float *out)                                                \
    {                                                                                              \
        return layer_norm(x, rows, width, weight, bias, eps, out);                                 \
    }                                                                                              \
    target static bool set##_rms_norm(const float *x, int64_t x_stride, int64_t rows,              \
                                      int64_t width, const float *weight, float eps, float *out,   \
                                      int64_t out_stride)                                          \
    {                                                                                              \
        return rms_norm(x, x_stride, rows, width, weight, eps, out, out_stride);                   \
    }                                                                                              \
    target static void set##_exp_spans(float *x, int64_t rows, int64_t width,                      \
                                       const kernel_span *seen, float scale, float *sum)           \
    {                                                                                              \
        exp_spans(x, rows, width, seen, scale, sum);                                               \
    }                                                                                              \
    target static float set##_max(const float *x, int64_t n)                                       \
    {                                                                                              \
        return max(x, n);                                                                          \
    }                                                                                              \
    target static float set##_sum_exp(const float *x, int64_t n, float shift)                      \
    {                                                                                              \
        return sum_exp(x, n, shift);                                                               \
    }                                                                                              \
    target static void set##_gelu(float *x, size_t n)                                              \
    {                                                                                              \
        gelu(x, n);                                                                                \
    }                                                                                              \
    target static void set##_silu(float *x, size_t n)                                              \
    {                                                                                              \
        silu(x, n);                                                                                \
    }                                                                                              \
    target static void set##_transpose(const uint32_t *from, int64_t stride, uint32_t *to,         \
                                       int64_t to_stride)                                          \
    {                                                                                              \
        transpose(from, stride, to, to_stride);                                                    \
    }                                                                                              \
    static const kernel_set set##_set = {set##_layer_norm, set##_rms_norm, set##_exp_spans,        \
                                         set##_max,        set##_sum_exp,  set##_gelu,             \
                                         set##_silu,       set##_transpose};
// NOLINTEND(bugprone-macro-parentheses)

DEFINE_SET(plain, )

const kernel_set *kernels_plain(void)
{
    return &plain_set;
}

#if defined(__x86_64__)

DEFINE_SET(avx2, __attribute__((target("avx2,fma"))))

const kernel_set *kernels_avx2(void)
{
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") ? &avx2_set : NULL;
}

#else

const kernel_set *kernels_avx2(void)
{
    return NULL;
}

#endif
