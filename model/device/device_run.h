// SPDX-License-Identifier: Apache-2.0
// A pass over all tiles of a caller on a device: batch after batch of them.
#ifndef MODEL_DEVICE_DEVICE_RUN_H
#define MODEL_DEVICE_DEVICE_RUN_H

#include "model/forward/block_set.h"

status device_run(model *m, pool *p, const forward *f);
int64_t device_tiles_together(const model *m, int64_t max_samples, int64_t max_rows);
// Gives the batch's hidden states to the caller, tile by tile.
status device_show_hidden(pass *p);

#endif
