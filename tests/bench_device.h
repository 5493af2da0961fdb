// SPDX-License-Identifier: Apache-2.0
// The products of a forward pass alone, on a device, by the plug-in's own product: what a pass there
// could reach at most. Attention's products are left out: they are part of its kernel.
#ifndef BENCH_DEVICE_H
#define BENCH_DEVICE_H

#include <stdbool.h>
#include <stdint.h>

#include "model/cuda/loader.h"
#include "model/model.h"

typedef struct device_alone device_alone;

// On a device that is opened beside the model's, with weights of each layer of their own; with
// `answers` the head's outputs too. `rows` are those of a pass. Owned by the caller; borrows `found`
// and `info`.
status device_alone_new(const found_device *found, const model_info *info, compute c, bool answers,
                        int64_t rows, device_alone **out);
// The products of at least that many rows, whole batches of them; waits for them.
status device_alone_run(device_alone *a, int64_t rows);
int64_t device_alone_rows(const device_alone *a); // of a batch
void device_alone_free(device_alone *a);          // NULL is none

#endif
