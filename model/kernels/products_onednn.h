// SPDX-License-Identifier: Apache-2.0
// An engine of products.h: oneDNN's primitives, made once per shape and kept, each run on the
// calling thread alone. Only in builds with oneDNN (SULCUS_ONEDNN).
#ifndef MODEL_KERNELS_PRODUCTS_ONEDNN_H
#define MODEL_KERNELS_PRODUCTS_ONEDNN_H

#include "model/kernels/product_shape.h"
#include "pipeline/base/status.h"

typedef struct onednn onednn;

typedef struct onednn_engine {
    // Has the CPU AMX, or what oneDNN needs for products of a form at more than a plain loop's rate?
    bool (*has_amx)(void);
    bool (*has)(packing form);
    // Owned by the caller. ERR_INTERNAL carries oneDNN's number. Local.
    status (*create)(onednn **out);
    void (*destroy)(onednn *o); // NULL is none
    // As products_begin.
    void (*begin)(void);
    // As products_run.
    status (*run)(onednn *o, const product_shape *shape, const void *x, const void *w,
                  const float *bias, float *y);
} onednn_engine;

extern const onednn_engine products_onednn;

#endif
