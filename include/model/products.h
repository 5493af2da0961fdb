// SPDX-License-Identifier: Apache-2.0
// oneDNN's matrix products, for one thread: primitives made once per shape and kept, each run on
// the calling thread alone. Not to be shared between threads.
#ifndef MODEL_PRODUCTS_H
#define MODEL_PRODUCTS_H

#include <stdbool.h>
#include <stdint.h>

#include "model/packed.h"
#include "pipeline/base/status.h"

// y [rows, out] = or += x [rows, in] · wᵀ (+ bias), w one panel of packed weights; x in w's number
// type, y and bias float32; x and y without gaps between rows. `rows` is a multiple of
// PRODUCT_ROWS: so there are few shapes.
typedef struct product_shape {
    packing form;
    int rows, out, in;
    bool add, bias;
} product_shape;

enum { PRODUCT_ROWS = 32 };

typedef struct products products;

// Owned by the caller.
status products_new(products **out);
void products_free(products *p);

// Makes the calling thread's oneDNN calls single-threaded. Before its first product; cheap.
void products_begin(void);

// Runs a product. Allocates only for a shape that is new. ERR_INTERNAL carries oneDNN's number.
status products_run(products *p, const product_shape *shape, const void *x, const void *w,
                    const float *bias, float *y);

// What this CPU has. ERR_USAGE names the setting where `form` cannot run, or not at the speed that
// it is there for.
status products_check(packing form);
// The form in which float32 products run fastest: PACKING_F32 where the CPU has AVX-512, else
// PACKING_NONE. By the instruction set, not by a measurement of the moment, so that the bits of a
// machine are always the same.
packing products_float32(void);
// The best instructions that its products use here: "AMX", "AVX-512-BF16". Static.
const char *products_instructions(void);

#endif
