// SPDX-License-Identifier: Apache-2.0
// Are an engine's products right on this CPU? Our AMX engine has been tested on emulated tiles more
// than on real ones, and emulators of whole machines exist that offer what they do not do.
#ifndef MODEL_KERNELS_PRODUCT_CHECK_H
#define MODEL_KERNELS_PRODUCT_CHECK_H

#include "model/kernels/product_engine.h"

// One small bf16 product that has all an engine's cases, against a plain loop: some 50 us.
// ERR_INTERNAL names the engine and the setting that leaves it out. Local.
status product_check(const product_engine *engine);

#endif
