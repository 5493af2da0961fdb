// SPDX-License-Identifier: Apache-2.0
// An engine of products.h: oneDNN's primitives, made once per shape and kept, each run on the
// calling thread alone. It holds our own engines against an implementation that is not ours. Only
// in builds with oneDNN (SULCUS_ONEDNN).
#ifndef MODEL_KERNELS_PRODUCTS_ONEDNN_H
#define MODEL_KERNELS_PRODUCTS_ONEDNN_H

#include "model/kernels/product_engine.h"

extern const product_engine products_onednn;

#endif
