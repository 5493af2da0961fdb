// SPDX-License-Identifier: Apache-2.0
// float32 to bfloat16.
#ifndef MODEL_KERNELS_BFLOAT16_H
#define MODEL_KERNELS_BFLOAT16_H

#include <stdint.h>

#include "pipeline/base/simd.h"

// The nearest bf16, ties to even; NaN stays NaN.
SIMD_INLINE uint16_t bfloat16_nearest(float x)
{
    union {
        float f;
        uint32_t i;
    } v = {x};
    uint32_t rounded = (v.i + 0x7fffu + (v.i >> 16 & 1u)) >> 16;
    return (uint16_t)((v.i & 0x7fffffffu) > 0x7f800000u ? 0x7fc0u : rounded);
}

#endif
