// SPDX-License-Identifier: Apache-2.0
// What a model takes in a device's memory, for plans: of its configuration alone.
#ifndef MODEL_DEVICE_DEVICE_NEED_H
#define MODEL_DEVICE_DEVICE_NEED_H

#include <stddef.h>
#include <stdint.h>

#include "model/config/model_info.h"

typedef struct device_need {
    size_t free;    // bytes that must be there to open it
    size_t weights; // bytes, all the while it is open
    size_t batch_least,
        batch_most; // what passes work in: a tile at a time, or as many as there may be
} device_need;

// Bytes of this process's memory that passes on a device take beside: a batch of each of `threads`
// threads, of as many tiles as there may be, but no more than `tiles`, each of at most so many samples
// and rows. Local; `m` may be light.
size_t model_batch_bytes(const model *m, int threads, int64_t tiles, int64_t samples, int64_t rows);

// Of what member `part` of a team of `parts` holds. Local; `m` may be light.
device_need model_device_need(const model *m, int part, int parts, compute c);

#endif
