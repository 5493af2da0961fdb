// SPDX-License-Identifier: Apache-2.0
// The host's side of a batch: a thread's arrays, and the tiles that callbacks fill in.
#ifndef MODEL_DEVICE_DEVICE_BATCH_H
#define MODEL_DEVICE_DEVICE_BATCH_H

#include "model/device/device_pass.h"
#include "model/forward/handover.h"

// Arrays for batches of that many tiles of `f`, in a pass of thread `thread`, out of the memory of
// earlier ones where it does. The caller's until they are given back. Local.
status device_batch_take(model *m, const forward *f, int thread, int64_t tiles, device_pass **out);
void device_batch_give(device_pass *b); // NULL is none
// Frees all that were given back. Before the device is closed; NULL is a no-op.
void device_batches_free(device_model *d);

// Loads tiles [first, first + n), or in a team takes one that comes.
status device_batch_load(device_pass *b, const layer_span *span, int64_t first, int64_t n);

// How many tiles of at most so many samples and rows a batch may have, by what memory there is for
// pixels here, and for `rows` on the device.
int64_t device_batch_tiles(const model *m, int64_t max_samples, int64_t max_rows, int64_t rows);

#endif
