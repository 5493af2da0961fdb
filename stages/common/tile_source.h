// SPDX-License-Identifier: Apache-2.0
// Subsets of one or several datasets as tiles for model_forward: what `collect` and `prune` run the
// model over.
#ifndef STAGES_COMMON_TILE_SOURCE_H
#define STAGES_COMMON_TILE_SOURCE_H

#include "data/dataset/samples.h"
#include "model/model.h"
#include "stages/common/tiling.h"

typedef struct tile_subset {
    const samples *samples; // borrowed
    int subset;             // there
} tile_subset;

typedef struct tile_source {
    tiling cuts; // its subsets are those added, in that order
    part part;
    bool text;
    int64_t image_values; // channels × height × width
    tile_subset *subset;  // owned [cuts.subsets]
    size_t subset_capacity;
} tile_source;

// Starts empty, for samples of one part as a model of this shape takes them.
void tile_source_begin(tile_source *s, const model_info *info, part p);
// Frees what it owns; safe on {0}.
void tile_source_free(tile_source *s);
// Adds a subset; borrows `from` until tile_source_free. Local. Fails when out of memory.
status tile_source_add(tile_source *s, const samples *from, int subset);

// What tile `i` is answered with: how many outputs are compared, and which (borrowed from its
// samples); 0: all of the model's.
int tile_source_choices(const tile_source *s, int64_t i, const int32_t **choice);
// The end of the tiles of [first, end) that are answered as `first` is. Local.
int64_t tile_source_alike(const tile_source *s, int64_t first, int64_t end);

// Fills tile `i` for the model, whose arrays are large enough for any tile. Thread-safe. Fails as
// samples_image and samples_text.
status tile_source_load(const tile_source *s, int64_t i, tile *t);

#endif
