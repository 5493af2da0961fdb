// SPDX-License-Identifier: Apache-2.0
// float32 to bfloat16, on any CPU.
#ifndef MODEL_KERNELS_BFLOAT16_H
#define MODEL_KERNELS_BFLOAT16_H

#include <stddef.h>
#include <stdint.h>

// The nearest bf16 of n values, ties to even; NaN stays NaN. Local.
void bfloat16_round(const float *x, size_t n, uint16_t *to);

#endif
