// SPDX-License-Identifier: Apache-2.0
// Matrix products with packed weights, for one thread. The engines: our own for AVX-512
// (products_avx512.h), for AMX (products_amx.h), and, in builds with it, oneDNN, which checks them.
// Packed forms are used only where the CPU has AVX-512 (or AVX-512-BF16), so that other files may
// call the first directly. Not to be shared between threads.
#ifndef MODEL_KERNELS_PRODUCTS_H
#define MODEL_KERNELS_PRODUCTS_H

#include "model/kernels/product_engine.h"

// The best engine for a form on this CPU; NULL: it has the instructions of none.
const product_engine *products_best(packing form);

typedef struct products products;

// Owned by the caller. `engine` runs them all; NULL: the best for each form on this CPU.
status products_new(const product_engine *engine, products **out);
void products_free(products *p);

// Makes the calling thread's oneDNN calls single-threaded. Before its first product; cheap.
void products_begin(void);

// Runs a product. Allocates only in oneDNN and for a shape that is new. ERR_INTERNAL carries
// oneDNN's number. Local.
status products_run(products *p, const product_shape *shape, const void *x, const void *w,
                    const float *bias, float *y);

// As products_run, and always on an engine of ours, for the many small products of attention.
void products_run_own(const products *p, const product_shape *shape, const void *x, const void *w,
                      float *y);

// The nearest bf16 of n values, ties to even, as the products take them: the CPU's own instruction,
// which makes 0 of denormal values, where they are ours, for it is many times as fast.
void products_round(const products *p, const float *x, size_t n, uint16_t *half);

// Are the products of a form our own? Then the bits of an output depend only on its inputs and
// weights, not on how many outputs there are either.
bool products_own(const product_engine *engine, packing form);

// What this CPU has. ERR_USAGE names the setting where `form` cannot run, or not at the speed that
// it is there for, and what DNNL_MAX_CPU_ISA may be where it is something else.
status products_check(packing form);
// Are the best engine's products of a form right here? A check of a moment; only where it is AMX.
// ERR_INTERNAL as product_check. Local.
status products_verify(packing form);
// The form in which float32 products run fastest: PACKING_F32 where the CPU has AVX-512, else
// PACKING_NONE. By the instruction set, not by a measurement of the moment, so that the bits of a
// machine are always the same.
packing products_float32(void);
// What runs the products of a form here: "sulcus AVX-512", "sulcus AMX". Static.
const char *products_name(packing form);

#endif
