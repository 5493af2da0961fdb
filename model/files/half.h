// SPDX-License-Identifier: Apache-2.0
// One float16 to float32, exactly, and back.
#ifndef MODEL_FILES_HALF_H
#define MODEL_FILES_HALF_H

#include <stdint.h>
#include <string.h>

#include "pipeline/base/simd.h"

// Moving exponent and fraction into float32's places leaves the value short of a factor 2^112,
// whatever the exponent: one exact product mends it, denormals included. Infinity and NaN get
// float32's exponent.
SIMD_INLINE float half_to_float(uint16_t half)
{
    uint32_t bits = (uint32_t)(half & 0x7fff) << 13;
    float value;
    memcpy(&value, &bits, 4);
    value *= 0x1p112f;
    memcpy(&bits, &value, 4);
    bits |= (half & 0x7c00) == 0x7c00 ? 0x7f800000u : 0u;
    bits |= (uint32_t)(half & 0x8000) << 16;
    memcpy(&value, &bits, 4);
    return value;
}

// The nearest float16, ties to even; infinity beyond the largest, and for what is no number. Where
// there are too few exponents left, adding 0.5 lets the sum's own rounding do it: its last bit is the
// smallest float16.
SIMD_INLINE uint16_t half_from_float(float value)
{
    uint32_t bits;
    memcpy(&bits, &value, 4);
    const uint16_t sign = (uint16_t)(bits >> 16 & 0x8000);
    bits &= 0x7fffffffu;
    memcpy(&value, &bits, 4);
    if (!(value < 65520.0f))
        return (uint16_t)(sign | 0x7c00);
    if (value < 0x1p-14f) {
        value += 0.5f;
        memcpy(&bits, &value, 4);
        return (uint16_t)(sign | (bits - 0x3f000000u));
    }
    return (uint16_t)(sign | (((bits + 0xfffu + (bits >> 13 & 1u)) >> 13) - (112u << 10)));
}

#endif
