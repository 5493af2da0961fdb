// SPDX-License-Identifier: Apache-2.0
// The best of three forms is chosen at each call, by a test of the CPU's features; what compilers
// make vectors of by themselves is here, in a copy for each kind of CPU. Compiled with
// -ffp-contract=fast (CMakeLists.txt).
#include "model/kernels/kernels.h"

#include <math.h>
#include <string.h>

#include "model/kernels/kernel_set.h"

static const kernel_set *best_set(void)
{
    const kernel_set *best = kernels_avx512();
    best = best ? best : kernels_avx2();
    return best ? best : kernels_plain();
}

bool kernel_layer_norm(const float *x, int64_t rows, int width, const float *weight,
                       const float *bias, float eps, float *out)
{
    return best_set()->layer_norm(x, rows, width, weight, bias, eps, out);
}

bool kernel_rms_norm(const float *x, int64_t x_stride, int64_t rows, int width, const float *weight,
                     float eps, float *out, int64_t out_stride)
{
    return best_set()->rms_norm(x, x_stride, rows, width, weight, eps, out, out_stride);
}

void kernel_exp_spans(float *x, int64_t rows, int64_t width, const kernel_span *seen, float scale,
                      float *sum)
{
    best_set()->exp_spans(x, rows, width, seen, scale, sum);
}

float kernel_max(const float *x, int64_t n)
{
    return best_set()->max(x, n);
}

float kernel_sum_exp(const float *x, int64_t n, float shift)
{
    return best_set()->sum_exp(x, n, shift);
}

void kernel_gelu(float *x, size_t n)
{
    best_set()->gelu(x, n);
}

void kernel_silu(float *x, size_t n)
{
    best_set()->silu(x, n);
}

void kernel_transpose(const uint32_t *from, int64_t stride, uint32_t *to, int64_t to_stride)
{
    best_set()->transpose(from, stride, to, to_stride);
}

SIMD_CLONES static void scale_row(const float *x, int64_t n, float factor, float *out)
{
    for (int64_t i = 0; i < n; i++)
        out[i] = x[i] * factor;
}

void kernel_scale(const float *x, int64_t n, float factor, float *out)
{
    scale_row(x, n, factor, out);
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

SIMD_CLONES static void add_row(const float *v, int64_t n, float *x)
{
    for (int64_t i = 0; i < n; i++)
        x[i] += v[i];
}

void kernel_add_rows(const float *v, int64_t rows, int width, float *x)
{
    for (int64_t r = 0; r < rows; r++, x += width)
        add_row(v, width, x);
}

// One loop for values of each size: with a size that is known, a copy is a load and a store.
SIMD_INLINE void gather_rows(const char *x, size_t each, int64_t width, int64_t rows,
                             const int32_t *column, int n, int filled, char *out)
{
    for (int64_t r = 0; r < rows; r++, x += (size_t)width * each, out += (size_t)filled * each) {
#pragma GCC unroll 8
        for (int i = 0; i < n; i++)
            memcpy(out + (size_t)i * each, x + (size_t)column[i] * each, each);
        memset(out + (size_t)n * each, 0, (size_t)(filled - n) * each);
    }
}

void kernel_gather(const void *x, size_t each, int64_t width, int64_t rows, const int32_t *column,
                   int n, int filled, void *out)
{
    if (each == sizeof(float))
        gather_rows(x, sizeof(float), width, rows, column, n, filled, out);
    else
        gather_rows(x, sizeof(uint16_t), width, rows, column, n, filled, out);
}

// Exponent bits all set: NaN or infinity.
SIMD_CLONES static bool values_finite(const float *x, size_t n)
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
    if (values_finite(x, n))
        return true;
    for (*at = 0; isfinite(x[*at]);)
        ++*at;
    return false;
}

// tanh u = 1 - 2 / (1 + exp(2u)), which for small u would be a difference of two that are nearly
// equal: there it is its series.
SIMD_CLONES static void cap_values(float *x, size_t n, float inner, float cap)
{
    for (size_t i = 0; i < n; i++) {
        const float u = x[i] * inner, q = u * u, a = u < 0.0f ? -u : u;
        float p = -0.00886323553f;
        p = p * q + 0.0218694885f;
        p = p * q - 0.0539682540f;
        p = p * q + 0.133333333f;
        p = p * q - 0.333333333f;
        const float series = u + u * q * p;
        const float whole = 1.0f - 2.0f / (1.0f + kernel_exp(2.0f * u));
        x[i] = cap * (a < 0.35f ? series : whole);
    }
}

void kernel_soft_cap(float *x, size_t n, float scale, float cap)
{
    cap_values(x, n, scale / cap, cap);
}

SIMD_CLONES static void multiply_row(const float *x, size_t n, float *y)
{
    for (size_t i = 0; i < n; i++)
        y[i] *= x[i];
}

void kernel_multiply(const float *x, size_t n, float *y)
{
    multiply_row(x, n, y);
}

void kernel_zero_columns(float *x, int64_t rows, int64_t stride, int first, const int32_t *column,
                         int n)
{
    if (n == 0)
        return;
    for (int64_t r = 0; r < rows; r++, x += stride)
        for (int i = 0; i < n; i++)
            x[column[i] - first] = 0;
}
