// SPDX-License-Identifier: Apache-2.0
// An engine of products.h for bf16 on CPUs with AMX: squares of 32 rows by 32 outputs are summed in
// the CPU's tile registers, from packed weights as they lie (model/kernels/packing.h). All local;
// no allocation.
#ifndef MODEL_KERNELS_PRODUCTS_AMX_H
#define MODEL_KERNELS_PRODUCTS_AMX_H

#include "model/kernels/product_engine.h"

extern const product_engine products_amx;

#endif
