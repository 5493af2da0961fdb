// SPDX-License-Identifier: Apache-2.0
// The AMX engine itself, on emulated tiles.
#define AMX_TILES  "tests/unit/model/amx_emulated_tiles.h"
#define AMX_ENGINE products_amx_emulated
#define AMX_ROUND  bfloat16_round
#include "model/kernels/products_amx.c"
