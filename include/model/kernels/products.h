// SPDX-License-Identifier: Apache-2.0
// Matrix products with packed weights, for one thread. Two engines: our own loops for AVX-512
// (products_avx512.h), which run at the processor's full rate, and, in builds with it, oneDNN
// (products_onednn.h) for bf16 where the CPU has AMX. Packed forms are used only where the CPU has AVX-512 (or
// AVX-512-BF16), so that other files may call the former directly. Not to be shared between
// threads.
#ifndef MODEL_KERNELS_PRODUCTS_H
#define MODEL_KERNELS_PRODUCTS_H

#include "model/kernels/product_shape.h"
#include "pipeline/base/status.h"

typedef enum product_engine {
    ENGINE_BEST, // for the form, on this CPU
    ENGINE_AVX512,
    ENGINE_ONEDNN,
} product_engine;

typedef struct products products;

// Owned by the caller. ERR_USAGE: the engine is not in this build.
status products_new(product_engine engine, products **out);
void products_free(products *p);

// Makes the calling thread's oneDNN calls single-threaded. Before its first product; cheap.
void products_begin(void);

// Runs a product. Allocates only in oneDNN and for a shape that is new. ERR_INTERNAL carries
// oneDNN's number. Local.
status products_run(products *p, const product_shape *shape, const void *x, const void *w,
                    const float *bias, float *y);

// The nearest bf16 of n values, ties to even, as the products take them: the CPU's own instruction,
// which makes 0 of denormal values, where they are ours, for it is many times as fast.
void products_round(const products *p, const float *x, size_t n, uint16_t *half);

// Are the products of a form our own? Then the bits of an output depend only on its inputs and
// weights, not on how many outputs there are either.
bool products_own(product_engine engine, packing form);

// What this CPU has. ERR_USAGE names the setting where `form` cannot run, or not at the speed that
// it is there for.
status products_check(packing form);
// The form in which float32 products run fastest: PACKING_F32 where the CPU has AVX-512, else
// PACKING_NONE. By the instruction set, not by a measurement of the moment, so that the bits of a
// machine are always the same.
packing products_float32(void);
// What runs the products of a form here: "sulcus AVX-512", "oneDNN AMX". Static.
const char *products_name(packing form);

#endif
