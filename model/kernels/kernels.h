// SPDX-License-Identifier: Apache-2.0
// The arithmetic of a forward pass beside its matrix products: plain C that compilers vectorise
// (pipeline/base/simd.h), and by hand for AVX-512 what takes longest (model/kernels/kernel_set.h),
// with fused multiply-adds where the CPU has them. So bits depend on the instruction set, as the
// products' do, but not on threads or tiles. All local; no allocation.
#ifndef MODEL_KERNELS_KERNELS_H
#define MODEL_KERNELS_KERNELS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/kernels/kernel_math.h"

// out[r, :] = (x[r, :] - mean) / sqrt(variance + eps) · weight + bias, rows of `width`; the
// variance is the population's. False when a row holds NaN or an infinity.
bool kernel_layer_norm(const float *x, int64_t rows, int width, const float *weight,
                       const float *bias, float eps, float *out);

// out[r, :] = x[r, :] / sqrt(mean of squares + eps) · weight, rows of `width`, which lie x_stride
// and out_stride apart; x and out may be the same. False when a row holds NaN or an infinity.
bool kernel_rms_norm(const float *x, int64_t x_stride, int64_t rows, int width, const float *weight,
                     float eps, float *out, int64_t out_stride);

// The softmax's numerators of x [rows, width], width a multiple of 16: exp((x - largest) · scale)
// of each row's elements in its span, 0 elsewhere; sum [rows] of each row. A numerator y is within
// 3e-7 + 6e-8 |ln y|, relatively, so that a row's are within 3e-7 of its sum.
void kernel_exp_spans(float *x, int64_t rows, int64_t width, const kernel_span *seen, float scale,
                      float *sum);

// Each of `rows` rows of out, `stride` apart, becomes v [width], or 0 where v is NULL.
void kernel_fill_rows(const float *v, int64_t rows, int width, int64_t stride, float *out);

// x[r, :] += v [width].
void kernel_add_rows(const float *v, int64_t rows, int width, float *x);

// The largest of n > 0 values; the sum of exp(x[i] - shift).
float kernel_max(const float *x, int64_t n);
float kernel_sum_exp(const float *x, int64_t n, float shift);

// x[i] = x[i] Φ(x[i]); x[i] / (1 + exp(-x[i])). Within 3e-7 · max(1, |x|).
void kernel_gelu(float *x, size_t n);
void kernel_silu(float *x, size_t n);

// to[j, i] = from[i, j], KERNEL_SQUARE by KERNEL_SQUARE words in rows that lie `stride` and
// to_stride apart.
void kernel_transpose(const uint32_t *from, int64_t stride, uint32_t *to, int64_t to_stride);

// out[r, i] = x[r, column[i]] for i < n, 0 up to `filled`: rows [rows, width] to [rows, filled], of
// values of `each` bytes: float32 or bf16.
void kernel_gather(const void *x, size_t each, int64_t width, int64_t rows, const int32_t *column,
                   int n, int filled, void *out);

// False when one of n values is NaN or infinite; *at is then the first one's index.
bool kernel_finite(const float *x, size_t n, size_t *at);

// out[i] = factor · x[i].
void kernel_scale(const float *x, int64_t n, float factor, float *out);

// x[i] = cap · tanh(scale · x[i] / cap), within 3e-7 · cap; nearly exact for small results.
void kernel_soft_cap(float *x, size_t n, float scale, float cap);

// y[i] *= x[i].
void kernel_multiply(const float *x, size_t n, float *y);

// x[r, column[i] - first] = 0 for all rows, `stride` apart, and i < n.
void kernel_zero_columns(float *x, int64_t rows, int64_t stride, int first, const int32_t *column,
                         int n);

#endif
