// SPDX-License-Identifier: Apache-2.0
// What weights are made of, for the files of this folder that fill them.
#ifndef MODEL_WEIGHTS_SLOTS_H
#define MODEL_WEIGHTS_SLOTS_H

#include "model/weights/draw.h"
#include "model/weights/weights.h"

typedef struct slot {
    tensor_slot tensor;
    size_t offset;   // bytes into the block, or into the names; unused where mapped or only packed
    const float *at; // NULL: only packed
    int out, in;     // as a map
    bool named;      // its values are elsewhere
    bool packs;      // is packed for products
    size_t packed_offset;
    packed packed;
} slot;

struct weights {
    tensor_table table;
    int experts; // 1 where the model is dense
    slot *slots; // globals, then layer by layer
    size_t n;
    weight_source *source; // owned; NULL where drawn
    share *share;
    void *block; // what is not mapped: the node's, or this process's where there is no share
    uint64_t seed;
    packing form;
    bool elsewhere;       // only read to be shown
    void *names;          // owned: addresses of values that are elsewhere
    size_t named;         // bytes of them
    const config *config; // borrowed; only while the weights are being made
};

// Is the slot used where the file is mapped?
bool slot_is_mapped(const slot *s);
// How many elements are read at once, at most: as many as make whole rows, or blocks of the type.
size_t slot_job_elements(const slot *s);
// Writes elements [first, first + n) of a slot, read or drawn, to `to`; or looks them over where they
// are mapped and `to` is NULL. ERR_NUMERIC: NaN or infinity.
status slot_read(const weights *w, const slot *s, draw_form form, size_t first, size_t n,
                 float *to);

#endif
