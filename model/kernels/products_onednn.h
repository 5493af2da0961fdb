// SPDX-License-Identifier: Apache-2.0
// An engine of products.h: oneDNN's primitives, made once per shape and kept, each run on the
// calling thread alone.
#ifndef MODEL_KERNELS_PRODUCTS_ONEDNN_H
#define MODEL_KERNELS_PRODUCTS_ONEDNN_H

#include "model/kernels/product_shape.h"
#include "pipeline/base/status.h"

typedef struct onednn onednn;

// Owned by the caller. ERR_INTERNAL carries oneDNN's number. Local.
status products_onednn_new(onednn **out);
void products_onednn_free(onednn *o);
// As products_begin.
void products_onednn_begin(void);

// As products_run.
status products_onednn_run(onednn *o, const product_shape *shape, const void *x, const void *w,
                           const float *bias, float *y);

// Has the CPU AMX, or what oneDNN needs for products of a form at more than a plain loop's rate?
bool products_onednn_has_amx(void);
bool products_onednn_has(packing form);

#endif
