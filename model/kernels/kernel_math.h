// SPDX-License-Identifier: Apache-2.0
// What the kernels of every CPU share: the exponential of one value, for loops that compilers
// vectorise, and the spans and squares that kernels work on.
#ifndef MODEL_KERNELS_KERNEL_MATH_H
#define MODEL_KERNELS_KERNEL_MATH_H

#include <stdint.h>

#include "pipeline/base/simd.h"

// exp(x), relative error at most 3e-7 (x from -87 to 88; beyond, that of the limit; NaN stays NaN).
SIMD_INLINE float kernel_exp(float x)
{
    x = x < -87.0f ? -87.0f : x;
    x = x > 88.0f ? 88.0f : x;
    // x = k ln 2 + r, |r| <= ln 2 / 2. Adding 1.5 · 2^23 rounds to a whole number without a library
    // call.
    float k = (x * 1.44269504f + 12582912.0f) - 12582912.0f;
    float r = (x - k * 0.693359375f) +
              k * 2.12194440e-4f; // ln 2 in two parts: the first product is exact
    // exp(r) = 1 + r + r² p(r), p a minimax polynomial of relative error 3e-9 in exp(r).
    float p = 0.00138146100f;
    p = p * r + 0.00836871015f;
    p = p * r + 0.0416683874f;
    p = p * r + 0.166665207f;
    p = p * r + 0.499999935f;
    float e = 1.0f + (r + r * r * p);
    union {
        uint32_t i;
        float f;
    } scale = {.i = ((uint32_t)(int32_t)k + 127u) << 23};
    return e * scale.f;
}

// What a row of scores may look at: elements [first, end) of it, at least one.
typedef struct kernel_span {
    int32_t first, end;
} kernel_span;

// Words along a side of the squares that kernel_transpose takes.
enum { KERNEL_SQUARE = 16 };

#endif
