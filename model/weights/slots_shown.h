// SPDX-License-Identifier: Apache-2.0
// Values that a device holds: read or drawn here only to be shown, piece by piece.
#ifndef MODEL_WEIGHTS_SLOTS_SHOWN_H
#define MODEL_WEIGHTS_SLOTS_SHOWN_H

#include <stdatomic.h>

#include "model/weights/slots.h"
#include "model/weights/weight_values.h"

weight_values slots_values_of(const slot *s);
// What the host reads itself: of images what is no product's, since places are made of it.
bool slots_kept_here(const config *c, const tensor_def *def);
// Bytes that a table's tensors take here while they are shown, most of them only then.
size_t slots_shown_bytes(const config *c, const tensor_table *table);
// Values of the largest piece.
size_t slots_largest_piece(const slot *slots, size_t n);

typedef struct slots_showing {
    const slot *slots; // borrowed [n]
    size_t n;
    const config *config; // borrowed
    uint64_t seed;
    char *block; // where those are put that are kept
    int threads; // that read or draw
    const atomic_bool *stopping;
    weights_see *see; // called by who calls slots_show
    void *context;
} slots_showing;

// ERR_NUMERIC as slot_read; ERR_INTERRUPTED once *stopping (NULL: never).
status slots_show(const slots_showing *a);

#endif
