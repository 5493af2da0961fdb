// SPDX-License-Identifier: Apache-2.0
// The numbers of model/weights/draw.h for CPUs with AVX-512, but for a few that stay to be drawn.
#ifndef MODEL_WEIGHTS_DRAW_AVX512_H
#define MODEL_WEIGHTS_DRAW_AVX512_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pipeline/base/rng.h"

bool draw_avx512_has(void);

// Writes to out[i], i in [0, n), (float)(rng_normal(r, first + i) * deviation), n a multiple of 16,
// deviation from 1e-20 to 1e20, all first + i with the same upper 32 bits. Bit i % 8 of
// doubtful[i / 8] is set where out[i] may be another float: of one number in four hundred. Needs
// draw_avx512_has. Local.
void draw_avx512(const rng *r, double deviation, uint64_t first, size_t n, float *out,
                 uint8_t *doubtful);
// Likewise of numbers that are rounded to bf16 (model/kernels/bfloat16.h) afterwards: out[i] is a
// float that gives the same.
void draw_avx512_bf16(const rng *r, double deviation, uint64_t first, size_t n, float *out,
                      uint8_t *doubtful);

#endif
