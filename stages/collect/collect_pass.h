// SPDX-License-Identifier: Apache-2.0
// What a task of `collect` holds while it is open, and its units: a forward pass over their tiles.
#ifndef STAGES_COLLECT_COLLECT_PASS_H
#define STAGES_COLLECT_COLLECT_PASS_H

#include "pipeline/stage.h"
#include "stages/collect/chosen_samples.h"
#include "stages/collect/collect_folds.h"
#include "stages/collect/collect_output.h"
#include "stages/collect/site_sums.h"
#include "stages/common/tile_source.h"

typedef struct collect_state {
    const task *task; // borrowed
    model *model;     // borrowed
    samples *samples;
    tile_source source;
    tile_run *unit; // [units], of one fold each
    int *fold;      // [units]
    int64_t units;
    collect_layout layout;
    collect_folds folds; // once the artefact is described
    chosen_samples chosen;
    int64_t *sampled_first, *sampled; // [subsets + 1]; rows of each subset whose firing is kept
    site_sums **sums[SITES];          // [lanes], made by the first unit in each
    block_sums **block;               // [lanes], of each thread
    int lanes;
} collect_state;

// As a stage's: `state` is a collect_state.
int64_t collect_pass_together(void *state, const round_state *round, int64_t unit);
status collect_pass_units(void *state, const round_state *round, int64_t unit, int64_t n, int lane,
                          partial *sum);

#endif
