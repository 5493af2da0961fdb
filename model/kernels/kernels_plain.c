// SPDX-License-Identifier: Apache-2.0
// Plain C in the form that GCC and clang turn into vectors: sixteen partial sums, so that the order
// of additions is written down and the width of a CPU's vectors changes no bit. Compiled with
// -ffp-contract=fast (CMakeLists.txt): whether it has fused multiply-adds does.
#include <math.h>

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

SIMD_CLONES static bool plain_layer_norm(const float *x, int64_t rows, int64_t width,
                                         const float *weight, const float *bias, float eps,
                                         float *out)
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

SIMD_CLONES static bool plain_rms_norm(const float *x, int64_t x_stride, int64_t rows,
                                       int64_t width, const float *weight, float eps, float *out,
                                       int64_t out_stride)
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

SIMD_INLINE float max_of_lanes(float lane[LANES])
{
    for (int j = 0; j < 8; j++)
        lane[j] = lane[j + 8] > lane[j] ? lane[j + 8] : lane[j];
    for (int j = 0; j < 4; j++)
        lane[j] = lane[j + 4] > lane[j] ? lane[j + 4] : lane[j];
    const float even = lane[2] > lane[0] ? lane[2] : lane[0];
    const float odd = lane[3] > lane[1] ? lane[3] : lane[1];
    return odd > even ? odd : even;
}

SIMD_CLONES static float plain_max(const float *x, int64_t n)
{
    float lane[LANES];
    int64_t i = 0;
    for (int j = 0; j < LANES; j++)
        lane[j] = x[0];
    for (; i + LANES <= n; i += LANES)
        for (int j = 0; j < LANES; j++)
            lane[j] = x[i + j] > lane[j] ? x[i + j] : lane[j];
    for (int j = 0; i + j < n; j++)
        lane[j] = x[i + j] > lane[j] ? x[i + j] : lane[j];
    return max_of_lanes(lane);
}

SIMD_CLONES static float plain_sum_exp(const float *x, int64_t n, float shift)
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

// Whole vectors, with a choice for each element: rows are short, and their ends would cost as much
// as the rest.
SIMD_INLINE float span_max(const float *x, int32_t width, kernel_span seen)
{
    float lane[LANES];
    for (int j = 0; j < LANES; j++)
        lane[j] = -INFINITY;
    for (int32_t i = 0; i < width; i += LANES)
        for (int j = 0; j < LANES; j++) {
            float v = i + j >= seen.first && i + j < seen.end ? x[i + j] : -INFINITY;
            lane[j] = v > lane[j] ? v : lane[j];
        }
    return max_of_lanes(lane);
}

SIMD_INLINE float span_exp(float *x, int32_t width, kernel_span seen, float shift, float scale)
{
    float lane[LANES] = {0};
    for (int32_t i = 0; i < width; i += LANES)
        for (int j = 0; j < LANES; j++) {
            float e = kernel_exp((x[i + j] - shift) * scale);
            x[i + j] = i + j >= seen.first && i + j < seen.end ? e : 0;
            lane[j] += x[i + j];
        }
    return add_lanes(lane);
}

SIMD_CLONES static void plain_exp_spans(float *x, int64_t rows, int64_t width,
                                        const kernel_span *seen, float scale, float *sum)
{
    for (int64_t r = 0; r < rows; r++, x += width)
        sum[r] = span_exp(x, (int32_t)width, seen[r], span_max(x, (int32_t)width, seen[r]), scale);
}

// x Φ(x) = x - x Φ(-x) for x > 0, and Φ(-|x|) = exp(-x²/2) g(|x|) with g smooth: a polynomial in t
// = 1 / (1 + 0.3 |x|), fitted to g = erfcx(|x|/√2) / 2 with relative error 1.5e-7 up to |x| = 14.
// So the tail is relatively right too.
SIMD_CLONES static void plain_gelu(float *x, size_t n)
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

SIMD_CLONES static void plain_silu(float *x, size_t n)
{
    for (size_t i = 0; i < n; i++)
        x[i] = x[i] / (1.0f + kernel_exp(-x[i]));
}

static void plain_transpose(const uint32_t *from, int64_t stride, uint32_t *to, int64_t to_stride)
{
    for (int j = 0; j < KERNEL_SQUARE; j++)
        for (int i = 0; i < KERNEL_SQUARE; i++)
            to[j * to_stride + i] = from[i * stride + j];
}

const kernel_set *kernels_plain(void)
{
    static const kernel_set set = {plain_layer_norm, plain_rms_norm, plain_exp_spans,
                                   plain_max,        plain_sum_exp,  plain_gelu,
                                   plain_silu,       plain_transpose};
    return &set;
}
