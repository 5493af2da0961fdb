// SPDX-License-Identifier: Apache-2.0
// The MLP of a layer on a device: a dense one, or the experts that the router chooses.
#ifndef MODEL_DEVICE_DEVICE_MLP_H
#define MODEL_DEVICE_DEVICE_MLP_H

#include "model/forward/block_set.h"

// arrays.hidden, or where a step or experts stand between arrays.output, += what the MLP makes.
status device_mlp(pass *p, int layer);

#endif
