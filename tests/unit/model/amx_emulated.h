// SPDX-License-Identifier: Apache-2.0
// The AMX engine of model/kernels/products_amx.c on tiles that are played in C, which runs on any
// CPU. Its `has` is the real one's for all else that the CPU must have.
#ifndef TESTS_UNIT_MODEL_AMX_EMULATED_H
#define TESTS_UNIT_MODEL_AMX_EMULATED_H

#include "model/kernels/product_engine.h"

extern const product_engine products_amx_emulated;

#endif
