// SPDX-License-Identifier: Apache-2.0
// What attention does beside its products, on AVX-512 (products_avx512_has says where). All local;
// no allocation.
#ifndef MODEL_ATTENTION_AVX512_H
#define MODEL_ATTENTION_AVX512_H

#include <stdint.h>

#include "model/kernels.h"

// As kernel_exp_spans, several times as fast: relative error at most 3e-7 + 6e-8 |ln y| of each
// y = exp(..), so that a row's is below 3e-7 of its sum.
void attention_avx512_exp(float *x, int64_t rows, int64_t width, const kernel_span *seen,
                          float scale, float *sum);

#endif
