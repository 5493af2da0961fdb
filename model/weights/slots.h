// SPDX-License-Identifier: Apache-2.0
// Tensors of an architecture with their places in memory, and their values as they are read or drawn.
#ifndef MODEL_WEIGHTS_SLOTS_H
#define MODEL_WEIGHTS_SLOTS_H

#include "model/kernels/linear.h"
#include "model/weights/draw.h"
#include "model/weights/tensor_table.h"

typedef struct slot {
    tensor_slot tensor;
    size_t
        offset; // bytes into the block, or into the addresses; unused where mapped or only packed
    const float *at; // NULL: only packed
    int out, in;     // as a map
    bool elsewhere;  // `at` is an address without a value
    bool packs;      // is packed for products
    size_t packed_offset;
    packed packed;
} slot;

// Is the slot used where the file is mapped?
bool slot_is_mapped(const slot *s);
// How many elements are read at once, at most: as many as make whole rows, or blocks of the type.
size_t slot_run(const slot *s);
// Writes elements [first, first + n) of a slot, read, or drawn with that seed, to `to`; or looks them
// over where they are mapped and `to` is NULL. ERR_NUMERIC: NaN or infinity.
status slot_read(const slot *s, const config *c, uint64_t seed, draw_form form, size_t first,
                 size_t n, float *to);

#endif
