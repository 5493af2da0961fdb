// SPDX-License-Identifier: Apache-2.0
// The blocks on a device (model/forward/blocks.h), for a batch of tiles.
#ifndef MODEL_DEVICE_DEVICE_BLOCKS_H
#define MODEL_DEVICE_DEVICE_BLOCKS_H

#include "model/forward/block_set.h"

extern const block_set device_blocks;

#endif
