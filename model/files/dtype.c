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

static const dtype types[] = {
    {"F32", 1, 4, true, f32_to_float},
    {"F16", 1, 2, false, f16_to_float},
    {"BF16", 1, 2, false, bf16_to_float},
    {"Q4_0", 32, 18, false, quant_q4_0},
    {"Q4_1", 32, 20, false, quant_q4_1},
    {"Q5_0", 32, 22, false, quant_q5_0},
    {"Q5_1", 32, 24, false, quant_q5_1},
    {"Q8_0", 32, 34, false, quant_q8_0},
    {"Q4_K", 256, 144, false, quant_q4_k},
    {"Q5_K", 256, 176, false, quant_q5_k},
    {"Q6_K", 256, 210, false, quant_q6_k},
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
