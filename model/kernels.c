// SPDX-License-Identifier: Apache-2.0
#include "model/kernels.h"

#include <math.h>
#include <string.h>

#include "pipeline/base/simd.h"

// A sum over n elements is LANES partial sums, element i in sum i % LANES, added in order at the
// end: the same bits whatever the CPU's vectors.
enum { LANES = 16 };

SIMD_INLINE float add_lanes(const float lane[LANES])
{
    float sum = 0;
    for (int j = 0; j < LANES; j++)
        sum += lane[j];
    return sum;
}

SIMD_CLONES static float row_sum(const float *x, int64_t n)
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

SIMD_CLONES static float row_squares(const float *x, int64_t n, float mean)
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

SIMD_CLONES static void row_affine(const float *x, int64_t n, float mean, float scale,
                                   const float *weight, const float *bias, float *out)
{
    for (int64_t i = 0; i < n; i++)
        out[i] = (x[i] - mean) * scale * weight[i] + bias[i];
}

bool kernel_layer_norm(const float *x, int64_t rows, int width, const float *weight,
                       const float *bias, float eps, float *out)
{
    bool finite = true;
    for (int64_t r = 0; r < rows; r++, x += width, out += width) {
        float mean = row_sum(x, width) / (float)width;
        float variance = row_squares(x, width, mean) / (float)width;
        finite = finite && isfinite(variance);
        row_affine(x, width, mean, 1.0f / sqrtf(variance + eps), weight, bias, out);
    }
    return finite;
}

SIMD_CLONES static void row_weighted(const float *x, int64_t n, float scale, const float *weight,
                                     float *out)
{
    for (int64_t i = 0; i < n; i++)
        out[i] = x[i] * scale * weight[i];
}

bool kernel_rms_norm(const float *x, int64_t x_stride, int64_t rows, int width, const float *weight,
                     float eps, float *out, int64_t out_stride)
{
    bool finite = true;
    for (int64_t r = 0; r < rows; r++, x += x_stride, out += out_stride) {
        float square = row_squares(x, width, 0) / (float)width;
        finite = finite && isfinite(square);
        row_weighted(x, width, 1.0f / sqrtf(square + eps), weight, out);
    }
    return finite;
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

SIMD_CLONES static void row_exp(float *x, int64_t n, float shift)
{
    for (int64_t i = 0; i < n; i++)
        x[i] = kernel_exp(x[i] - shift);
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
SIMD_CLONES static float span_max(const float *x, int32_t width, int32_t first, int32_t end)
{
    float lane[LANES];
    for (int j = 0; j < LANES; j++)
        lane[j] = -INFINITY;
    for (int32_t i = 0; i < width; i += LANES)
        for (int j = 0; j < LANES; j++) {
            float v = i + j >= first && i + j < end ? x[i + j] : -INFINITY;
            lane[j] = v > lane[j] ? v : lane[j];
        }
    return max_of_lanes(lane);
}

SIMD_CLONES static float span_exp(float *x, int32_t width, int32_t first, int32_t end, float shift,
                                  float scale)
{
    float lane[LANES] = {0};
    for (int32_t i = 0; i < width; i += LANES)
        for (int j = 0; j < LANES; j++) {
            float e = kernel_exp((x[i + j] - shift) * scale);
            x[i + j] = i + j >= first && i + j < end ? e : 0;
            lane[j] += x[i + j];
        }
    return add_lanes(lane);
}

float kernel_exp_span(float *x, int64_t width, int64_t first, int64_t end, float scale)
{
    const int32_t n = (int32_t)width, from = (int32_t)first, to = (int32_t)end;
    return span_exp(x, n, from, to, span_max(x, n, from, to), scale);
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

void kernel_softmax(float *x, int64_t rows, int64_t width, int64_t stride)
{
    for (int64_t r = 0; r < rows; r++, x += stride) {
        row_exp(x, width, row_max(x, width));
        row_scale(x, width, 1.0f / row_sum(x, width), x);
    }
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
