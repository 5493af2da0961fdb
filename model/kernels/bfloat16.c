// SPDX-License-Identifier: Apache-2.0
// Rounding as arithmetic on bits, so that compilers make vectors of it: for CPUs without the
// instruction, and for weights, whose denormals the instruction would take for zero.
#include "model/kernels/bfloat16.h"

#include "pipeline/base/simd.h"

SIMD_CLONES static void round_values(const float *x, size_t n, uint16_t *to)
{
    for (size_t i = 0; i < n; i++) {
        union {
            float f;
            uint32_t i;
        } v = {x[i]};
        uint32_t rounded = (v.i + 0x7fffu + (v.i >> 16 & 1u)) >> 16;
        to[i] = (uint16_t)((v.i & 0x7fffffffu) > 0x7f800000u ? 0x7fc0u : rounded);
    }
}

void bfloat16_round(const float *x, size_t n, uint16_t *to)
{
    round_values(x, n, to);
}
