// SPDX-License-Identifier: Apache-2.0
// What a task of `prune` holds while it is open, and the masks that its units need.
#ifndef STAGES_PRUNE_PRUNE_STATE_H
#define STAGES_PRUNE_PRUNE_STATE_H

#include "stages/common/shelf.h"
#include "stages/prune/prune_cache.h"
#include "stages/prune/prune_output.h"
#include "stages/prune/prune_round.h"

typedef struct prune_state {
    const task *task; // borrowed
    model *model;     // borrowed
    ranking ranking;
    ablation ablation;
    evaluation evaluation;
    recollect *again; // NULL: one step
    prune_setting setting;
    int64_t *random; // [seeds, neurons]: random orders; that of a seed is the same for all subsets,
                     // so that those with as many neurons pruned share its answers
    prune_plan plan;
    shelf *masks; // those of the plan that units need: of unit_mask
    prune_cache *cache;
    int64_t tiles;    // at most, of the units that one call computes
    answers *answers; // [lanes, tiles] of those in hand, tile by tile
    prune_output output;
} prune_state;

// A mask of the plan, compiled.
typedef struct unit_mask {
    model_mask *mask;        // NULL: prunes nothing
    ablated_neurons neurons; // for value: resample
    char asked[DIGEST_HEX];  // with it, see prune_cache.h
} unit_mask;

// For shelf_new, of a prune_state: compiles mask `number` of the plan to a unit_mask, and frees one.
status prune_mask_compile(void *state, int64_t number, void **item);
void prune_mask_drop(void *item);
// How many of them there may be at once.
int prune_masks_at_once(const task *t);

#endif
