// SPDX-License-Identifier: Apache-2.0
// One float16 to float32, exactly.
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

#endif
