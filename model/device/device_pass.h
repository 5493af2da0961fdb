// SPDX-License-Identifier: Apache-2.0
// A batch of tiles that run as one: their samples one after the other, in a pass of the usual kind
// (model/forward/pass.h) whose tile they all are.
#ifndef MODEL_DEVICE_DEVICE_PASS_H
#define MODEL_DEVICE_DEVICE_PASS_H

#include "model/device/device_model.h"
#include "model/forward/pass.h"

// One of the batch's tiles.
typedef struct batch_tile {
    int64_t index;         // the caller's
    int64_t sample, row;   // where its samples and rows begin in the batch
    int64_t samples, rows; // how many
    int64_t *first_row;    // [samples + 1] in the tile; borrowed from the batch
} batch_tile;

// The host's side of it.
typedef struct device_pass {
    device_model *d;     // borrowed
    pass *p;             // of the batch: borrowed
    batch_tile *tile;    // owned [tiles at most]
    int64_t tiles;       // that are in it
    int64_t *first_rows; // owned: what the tiles' first_row lie in
    float *shown;   // owned [rows of a tile, widest site]: what callbacks are shown; NULL: nothing
    int32_t *index; // owned [rows]: lists on their way to the device
    int64_t *bit;   // owned [rows]
    device_segment *segment; // owned [rows]
    uint8_t *pruned;         // owned [neurons of a site]
    float *factor;           // owned [rows]; NULL in dense models
    int32_t *bad;            // owned: the device's flags
    fixed *sum;              // owned [DEVICE_MOMENTS, widest site]; NULL: no sums
    int64_t *counts;         // owned [widest site, of what is counted most]
    int64_t *routed;         // owned [layers, experts] rows that were summed of each expert
    bool summed;             // sums are made there, in place of reading
} device_pass;

// Where it is noted that what came from a site is no number: slots of arrays.bad. Layer -1: the
// embeddings.
int32_t *device_bad(const device_model *d, int layer, site after);
int32_t *device_bad_logits(const device_model *d, const model_info *i);
// Takes a block's step on arrays.output, and adds it to arrays.hidden.
status device_add_output(pass *p, const output_step *then, int layer, site s);
// Values of an image.
size_t device_image_values(const model_info *i);
// The tile as callbacks see it, borrowed from the batch.
tile device_tile(const device_pass *b, const batch_tile *t);
// A host's 64-bit numbers as the device reads them, by way of b->index.
status device_put(device_pass *b, const int64_t *from, int64_t n, int32_t *to);
// Which activation it is.
device_activation device_find_activation(const activation *a);
// Rows of products, filled up to whole blocks.
int64_t device_filled(const device_model *d, int64_t rows);
// y = or += l(x), x as products read it [rows, l->in]; y [rows, stride].
status device_product(const device_model *d, const linear *l, const void *x, int64_t x_stride,
                      int64_t rows, bool add, float *y, int64_t y_stride);

#endif
