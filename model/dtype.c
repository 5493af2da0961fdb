// SPDX-License-Identifier: Apache-2.0
#include "model/dtype.h"

#include <stdint.h>
#include <string.h>

#include "pipeline/base/simd.h"

static void f32_to_float(const void *from, size_t n, float *to)
{
    memcpy(to, from, n * sizeof *to);
}

SIMD_CLONES static void bf16_to_float(const void *from, size_t n, float *to)
{
    const unsigned char *bytes = from; // a file's tensor may begin at any byte
    for (size_t i = 0; i < n; i++) {
        uint16_t half;
        memcpy(&half, bytes + 2 * i, 2);
        uint32_t bits = (uint32_t)half << 16;
        memcpy(to + i, &bits, 4);
    }
}

// Moving exponent and fraction into float32's places leaves the value short of a factor 2^112,
// whatever the exponent: one exact product mends it, denormals included. Infinity and NaN get
// float32's exponent.
SIMD_CLONES static void f16_to_float(const void *from, size_t n, float *to)
{
    const unsigned char *bytes = from;
    for (size_t i = 0; i < n; i++) {
        uint16_t half;
        memcpy(&half, bytes + 2 * i, 2);
        uint32_t bits = (uint32_t)(half & 0x7fff) << 13;
        float value;
        memcpy(&value, &bits, 4);
        value *= 0x1p112f;
        memcpy(&bits, &value, 4);
        bits |= (half & 0x7c00) == 0x7c00 ? 0x7f800000u : 0u;
        bits |= (uint32_t)(half & 0x8000) << 16;
        memcpy(to + i, &bits, 4);
    }
}

static const dtype types[] = {
    {"F32", 1, 4, true, f32_to_float},
    {"F16", 1, 2, false, f16_to_float},
    {"BF16", 1, 2, false, bf16_to_float},
    {"BOOL", 1, 1, false, NULL},
    {"U8", 1, 1, false, NULL},
    {"I8", 1, 1, false, NULL},
    {"F8_E4M3", 1, 1, false, NULL},
    {"F8_E5M2", 1, 1, false, NULL},
    {"F8_E8M0", 1, 1, false, NULL},
    {"U16", 1, 2, false, NULL},
    {"I16", 1, 2, false, NULL},
    {"U32", 1, 4, false, NULL},
    {"I32", 1, 4, false, NULL},
    {"U64", 1, 8, false, NULL},
    {"I64", 1, 8, false, NULL},
    {"F64", 1, 8, false, NULL},
    {"C64", 1, 8, false, NULL},
};

const dtype *dtype_find(const char *name)
{
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (strcmp(types[i].name, name) == 0)
            return &types[i];
    return NULL;
}
