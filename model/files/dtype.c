// SPDX-License-Identifier: Apache-2.0
// The names are safetensors' own; GGUF's types come by the same names. A type that is never a
// weight is listed too, because a file may hold such a tensor beside its weights.
#include "model/files/dtype.h"

#include <stdint.h>
#include <string.h>

#include "model/files/half.h"
#include "model/files/quants.h"
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

SIMD_CLONES static void f16_to_float(const void *from, size_t n, float *to)
{
    const unsigned char *bytes = from;
    for (size_t i = 0; i < n; i++) {
        uint16_t half;
        memcpy(&half, bytes + 2 * i, 2);
        to[i] = half_to_float(half);
    }
}

static void f32_from_float(const float *from, size_t n, void *to)
{
    memcpy(to, from, n * sizeof *from);
}

// Of values that are numbers.
static void bf16_from_float(const float *from, size_t n, void *to)
{
    unsigned char *bytes = to;
    for (size_t i = 0; i < n; i++) {
        uint32_t bits;
        memcpy(&bits, from + i, 4);
        const uint16_t half = (uint16_t)((bits + 0x7fffu + (bits >> 16 & 1u)) >> 16);
        memcpy(bytes + 2 * i, &half, 2);
    }
}

static void f16_from_float(const float *from, size_t n, void *to)
{
    unsigned char *bytes = to;
    for (size_t i = 0; i < n; i++) {
        const uint16_t half = half_from_float(from[i]);
        memcpy(bytes + 2 * i, &half, 2);
    }
}

static const dtype types[] = {
    {"F32", 1, 4, true, f32_to_float, f32_from_float},
    {"F16", 1, 2, false, f16_to_float, f16_from_float},
    {"BF16", 1, 2, false, bf16_to_float, bf16_from_float},
    {"Q4_0", 32, 18, false, quant_q4_0, NULL},
    {"Q4_1", 32, 20, false, quant_q4_1, NULL},
    {"Q5_0", 32, 22, false, quant_q5_0, NULL},
    {"Q5_1", 32, 24, false, quant_q5_1, NULL},
    {"Q8_0", 32, 34, false, quant_q8_0, NULL},
    {"Q4_K", 256, 144, false, quant_q4_k, NULL},
    {"Q5_K", 256, 176, false, quant_q5_k, NULL},
    {"Q6_K", 256, 210, false, quant_q6_k, NULL},
    {"BOOL", 1, 1, false, NULL, NULL},
    {"U8", 1, 1, false, NULL, NULL},
    {"I8", 1, 1, false, NULL, NULL},
    {"F8_E4M3", 1, 1, false, NULL, NULL},
    {"F8_E5M2", 1, 1, false, NULL, NULL},
    {"F8_E8M0", 1, 1, false, NULL, NULL},
    {"U16", 1, 2, false, NULL, NULL},
    {"I16", 1, 2, false, NULL, NULL},
    {"U32", 1, 4, false, NULL, NULL},
    {"I32", 1, 4, false, NULL, NULL},
    {"U64", 1, 8, false, NULL, NULL},
    {"I64", 1, 8, false, NULL, NULL},
    {"F64", 1, 8, false, NULL, NULL},
    {"C64", 1, 8, false, NULL, NULL},
};

const dtype *dtype_find(const char *name)
{
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (strcmp(types[i].name, name) == 0)
            return &types[i];
    return NULL;
}
