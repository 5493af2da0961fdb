// SPDX-License-Identifier: Apache-2.0
// What a model is made of, for the files that run it.
#ifndef MODEL_FORWARD_STATE_H
#define MODEL_FORWARD_STATE_H

#include "model/forward/arch.h"
#include "model/forward/workspace.h"
#include "model/kernels/products.h"
#include "model/weights/weights.h"
#include "pipeline/base/relay.h"

struct model {
    const arch *arch;
    config config;
    weights *weights; // owned; NULL where the model was opened light
    packing packing;  // of what products read
    product_engine engine;
    products **products; // owned [n_products], one of each thread that has run
    int n_products;
    workspace *workspaces; // owned [n_workspaces], likewise
    int n_workspaces;
    relay *team; // borrowed; NULL where this process holds all layers
    // To look into layers that are not held.
    char *path; // owned
    bool random;
    uint64_t seed;
};

#endif
