// SPDX-License-Identifier: Apache-2.0
#include "model/kernels.h"

#include <math.h>
#include <string.h>

#include "pipeline/base/simd.h"

// A sum over n elements is LANES partial sums, element i in sum i % LANES, whose halves are added
// until one is left: the same bits whatever the CPU's vectors.
enum { LANES = 16 };

SIMD_INLINE float add_lanes(float lane[LANES])
{
    for (int w = LANES / 2; w > 0; w /= 2)
        for (int j = 0; j < w; j++)
            lane[j] += lane[j + w];
    return lane[0];
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

SIMD_CLONES static bool layer_norm(const float *x, int64_t rows, int64_t width, const float *weight,
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

bool kernel_layer_norm(const float *x, int64_t rows, int width, const float *weight,
                       const float *bias, float eps, float *out)
{
    return layer_norm(x, rows, width, weight, bias, eps, out);
}

SIMD_CLONES static bool rms_norm(const float *x, int64_t x_stride, int64_t rows, int64_t width,
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

bool kernel_rms_norm(const float *x, int64_t x_stride, int64_t rows, int width, const float *weight,
                     float eps, float *out, int64_t out_stride)
{
    return rms_norm(x, x_stride, rows, width, weight, eps, out, out_stride);
}

SIMD_INLINE float max_of_lanes(float lane[LANES])
{
    for (int w = LANES / 2; w > 0; w /= 2)
        for (int j = 0; j < w; j++)
            lane[j] = lane[j + w] > lane[j] ? lane[j + w] : lane[j];
    return lane[0];
}

SIMD_CLONES static float row_max(const float *x, int64_t n)
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

SIMD_CLONES static float row_sum_exp(const float *x, int64_t n, float shift)
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

float kernel_max(const float *x, int64_t n)
{
    return row_max(x, n);
}

float kernel_sum_exp(const float *x, int64_t n, float shift)
{
    return row_sum_exp(x, n, shift);
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

SIMD_CLONES static void exp_spans(float *x, int64_t rows, int32_t width, const kernel_span *seen,
                                  float scale, float *sum)
{
    for (int64_t r = 0; r < rows; r++, x += width)
        sum[r] = span_exp(x, width, seen[r], span_max(x, width, seen[r]), scale);
}

void kernel_exp_spans(float *x, int64_t rows, int64_t width, const kernel_span *seen, float scale,
                      float *sum)
{
    exp_spans(x, rows, (int32_t)width, seen, scale, sum);
}

SIMD_CLONES static void row_scale(const float *x, int64_t n, float factor, float *out)
{
    for (int64_t i = 0; i < n; i++)
        out[i] = x[i] * factor;
}

void kernel_scale(const float *x, int64_t n, float factor, float *out)
{
    row_scale(x, n, factor, out);
}

void kernel_fill_rows(const float *v, int64_t rows, int width, int64_t stride, float *out)
{
    for (int64_t r = 0; r < rows; r++, out += stride) {
        if (v)
            memcpy(out, v, (size_t)width * sizeof *out);
        else
            memset(out, 0, (size_t)width * sizeof *out);
    }
}

SIMD_CLONES static void row_add(const float *v, int64_t n, float *x)
{
    for (int64_t i = 0; i < n; i++)
        x[i] += v[i];
}

void kernel_add_rows(const float *v, int64_t rows, int width, float *x)
{
    for (int64_t r = 0; r < rows; r++, x += width)
        row_add(v, width, x);
}

// Exponent bits all set: NaN or infinity.
SIMD_CLONES static bool all_finite(const float *x, size_t n)
{
    uint32_t bad = 0;
    for (size_t i = 0; i < n; i++) {
        uint32_t bits;
        memcpy(&bits, x + i, 4);
        bad |= (bits & 0x7f800000u) == 0x7f800000u;
    }
    return bad == 0;
}

bool kernel_finite(const float *x, size_t n, size_t *at)
{
    if (all_finite(x, n))
        return true;
    for (*at = 0; isfinite(x[*at]);)
        ++*at;
    return false;
}

SIMD_CLONES static void row_multiply(const float *x, size_t n, float *y)
{
    for (size_t i = 0; i < n; i++)
        y[i] *= x[i];
}

void kernel_multiply(const float *x, size_t n, float *y)
{
    row_multiply(x, n, y);
}

void kernel_zero_columns(float *x, int64_t rows, int64_t stride, int first, const int32_t *units,
                         int n)
{
    if (n == 0)
        return;
    for (int64_t r = 0; r < rows; r++, x += stride)
        for (int i = 0; i < n; i++)
            x[units[i] - first] = 0;
}
