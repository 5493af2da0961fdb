// SPDX-License-Identifier: Apache-2.0
// Cuts samples into tiles (whole samples of one subset, run together by the model) and tiles into
// units of work, by rules that know neither ranks nor threads: so results and checkpoints do not
// depend on them (docs/design.md, Units and partials).
#ifndef STAGES_COMMON_TILING_H
#define STAGES_COMMON_TILING_H

#include <stdint.h>

#include "model/model.h"
#include "pipeline/base/status.h"

// A tile of samples of the subset's mean length has as many rows, or a sample fewer. At this size a
// product runs near its best rate. The tiles of a subset are as even as whole samples allow, so
// that no thread waits for one that got the longer rest.
enum { TILING_ROWS = 512 };
// A unit closes at the tile with which it has so many operations: one tile of all but small models,
// so that what a rank loses or waits for is short, and threads end together.
#define TILING_UNIT_OPERATIONS 4e10

typedef struct tile_cut {
    int subset;
    int64_t first_sample, samples; // within the subset's part
    int64_t first_row, rows;       // likewise
} tile_cut;

// Tiles of the subsets added, in that order.
typedef struct tiling {
    tile_cut *tile; // owned
    int64_t tiles, max_samples, max_rows;
    int subsets;
    int64_t *subset_tile; // owned [subsets + 1]: where each one's tiles begin; the last is `tiles`
    size_t tile_capacity, subset_capacity;
} tiling;

// Rows of sample i of what is being added.
typedef int64_t tiling_rows_fn(void *context, int64_t i);

// Starts empty; {0} is a valid empty tiling too. Safe to free twice.
void tiling_free(tiling *t);
// Adds one subset of `samples` samples (0 gives it no tile). Local. Fails when out of memory.
status tiling_add(tiling *t, int64_t samples, tiling_rows_fn *rows, void *context);

// Tiles of a subset; rows of all of them.
int64_t tiling_subset_tiles(const tiling *t, int subset);
int64_t tiling_subset_rows(const tiling *t, int subset);

// A unit's tiles: [first, first + tiles).
typedef struct tile_run {
    int64_t first, tiles;
} tile_run;

// From the first of some runs to the last, which follow each other.
tile_run tile_runs_join(tile_run first, tile_run last);

// Cuts tiles [first, end) into units of consecutive tiles, and returns how many; writes them to
// runs[that many], never more than there are tiles, where `runs` is not NULL.
int64_t tiling_units(const tiling *t, const model_info *info, int64_t first, int64_t end,
                     tile_run *runs);

// Operations of the tiles of a run in one forward pass.
double tiling_operations(const tiling *t, const model_info *info, tile_run run);

#endif
