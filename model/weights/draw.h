// SPDX-License-Identifier: Apache-2.0
// Normal numbers for weights that are drawn, thousands at a time: the same bits as rng_normal gives
// one by one.
#ifndef MODEL_WEIGHTS_DRAW_H
#define MODEL_WEIGHTS_DRAW_H

#include <stdbool.h>
#include <stddef.h>

#include "pipeline/base/rng.h"

// How numbers are drawn: by hand where the CPU has instructions for it, as they are or to be rounded
// to bf16 afterwards, which takes fewer digits; or as on any CPU, for tests.
typedef enum draw_form {
    DRAW_BEST,
    DRAW_BF16,
    DRAW_PLAIN,
} draw_form;

// Writes to out[i], i in [0, n), (float)(rng_normal(r, first + i) * deviation); with DRAW_BF16, one
// that bfloat16_round (model/kernels/bfloat16.h) makes the same of. With `truncated`, a number
// beyond 2 in magnitude is drawn again, as often as it takes, at the same index plus multiples of
// 2^48 (torch's trunc_normal_ with bounds -2 and 2).
void draw_normals(draw_form form, const rng *r, double deviation, bool truncated, size_t first,
                  size_t n, float *out);

#endif
