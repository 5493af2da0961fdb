// SPDX-License-Identifier: Apache-2.0
// What runs matrix products: one descriptor each, listed in model/kernels/products.c.
#ifndef MODEL_KERNELS_PRODUCT_ENGINE_H
#define MODEL_KERNELS_PRODUCT_ENGINE_H

#include <stddef.h>

#include "model/kernels/product_shape.h"
#include "pipeline/base/status.h"

typedef struct product_engine {
    const char *name[PACKING_BF16 + 1]; // of what runs a form's: "sulcus AVX-512"; NULL: nothing
    bool own; // ours: a sum's bits depend on its inputs and weights only, and no run fails; others
              // check these, and are never the best
    // Has the CPU the instructions for products of a form?
    bool (*has)(packing form);
    // What a thread keeps from one product to the next, owned by the caller; NULL: nothing.
    status (*create)(void **kept);
    void (*destroy)(void *kept); // NULL is none
    // Once on each thread, before its first product; NULL: nothing is to be done.
    void (*begin)(void);
    // As products_run. Reads and writes no row but the shape's.
    status (*run)(void *kept, const product_shape *shape, const void *x, const void *w,
                  const float *bias, float *y);
    // As products_round.
    void (*round)(const float *x, size_t n, uint16_t *half);
} product_engine;

#endif
