// SPDX-License-Identifier: Apache-2.0
// An engine of products.h: a few rows by one block of packed outputs in registers, over all inputs
// of the panel. All local; no allocation.
#ifndef MODEL_KERNELS_PRODUCTS_AVX512_H
#define MODEL_KERNELS_PRODUCTS_AVX512_H

#include "model/kernels/product_engine.h"

extern const product_engine products_avx512;

// Has the CPU the instructions for products of a form?
bool products_avx512_has(packing form);

// As products_run. Reads and writes no row but the shape's.
void products_avx512_run(const product_shape *shape, const void *x, const void *w,
                         const float *bias, float *y);

// As products_round. Needs what PACKING_BF16 needs.
void products_avx512_round(const float *x, size_t n, uint16_t *half);
// word[i] = the bf16 of x[i] below that of y[i], n of them: two inputs of packed outputs.
void products_avx512_pair(const float *x, const float *y, int n, uint32_t *word);

#endif
