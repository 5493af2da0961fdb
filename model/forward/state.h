// SPDX-License-Identifier: Apache-2.0
// What a model is made of, for the files that run it.
#ifndef MODEL_FORWARD_STATE_H
#define MODEL_FORWARD_STATE_H

#include <pthread.h>

#include "model/forward/arch.h"
#include "model/forward/block_set.h"
#include "model/forward/workspace.h"
#include "model/kernels/products.h"
#include "model/weights/weights.h"
#include "pipeline/base/relay.h"

// What a thread's passes work with, kept from one to the next.
typedef struct thread_scratch {
    products *products; // owned; NULL where the packing needs none
    workspace workspace;
} thread_scratch;

struct model {
    const arch *arch;
    config config;
    const block_set *blocks;      // what computes its passes
    struct device_model *device;  // owned, where that is a device (model/device); else NULL
    weights *weights;             // owned; NULL where the model was opened light
    packing packing;              // of what products read
    const product_engine *engine; // of its products; NULL: BLAS
    pthread_mutex_t growing;      // of what follows: several threads may begin a pass at once
    thread_scratch *scratch;      // owned [threads], made by the first pass
    int threads;
    relay *team; // borrowed; NULL where this process holds all layers
    // To look into layers that are not held.
    char *path;  // owned
    char *notes; // owned
    bool random;
    uint64_t seed;
};

#endif
