// SPDX-License-Identifier: Apache-2.0
// What a model is made of, for the files of this folder.
#ifndef MODEL_FORWARD_STATE_H
#define MODEL_FORWARD_STATE_H

#include "model/forward/arch.h"
#include "model/forward/pass.h"

struct model {
    const arch *arch;
    config config;
    weights *weights; // owned; NULL where the model was opened light
    packing packing;  // of what products read
    product_engine engine;
    products **products; // owned [n_products], one of each thread that has run
    int n_products;
    pass_room *rooms; // owned [n_rooms], likewise
    int n_rooms;
    relay *team; // borrowed; NULL where this process holds all layers
    // To look into layers that are not held.
    char *path; // owned
    bool random;
    uint64_t seed;
};

// Sets what member `part` of a team of `parts` holds.
void parts_hold(config *c, int part, int parts);

#endif
