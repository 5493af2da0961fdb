// SPDX-License-Identifier: Apache-2.0
// Scores of a model with neurons pruned: the statistics behind a step of scores once more, for each
// subset to forget of the model without its neurons. What `prune` does between its steps.
//
// A unit is some tiles of one subset, run for one subset to forget. Two sides are kept of each: what
// is to be forgotten, and what is retained, all its tokens together.
#ifndef STAGES_RECOLLECT_RECOLLECT_H
#define STAGES_RECOLLECT_RECOLLECT_H

#include "model/model.h"
#include "pipeline/stage.h"

typedef struct recollect recollect;

// Reads how the scores of the i-th input were made from that one's parameters, and cuts the units.
// Sites with a width are read. `forget`: names of subsets of `data`; NULL: all of them. Borrows the
// task. Owned by the caller. Local. Fails as stage_samples; ERR_USAGE: `data` has no such subset.
status recollect_open(const task *t, size_t i, const int width[SITES], char *const *forget,
                      int64_t forgets, recollect **out);
void recollect_free(recollect *r); // NULL is a no-op

int64_t recollect_units(const recollect *r);
int64_t recollect_forget(const recollect *r, int64_t unit); // whose it is
double recollect_cost(const recollect *r, int64_t unit);
void recollect_shape(const recollect *r, partial_shape *out);
// What so many rounds of all subsets of `data` take, of "mlp", "attn" or "both": sets units, operations
// and memory of an estimate. Local. Fails as recollect_open.
status recollect_estimate(const task *t, size_t i, int64_t rounds, const char *sites,
                          estimate *out);

// Without which neurons: as forward's `mask` and `ablate`, whose context is this one.
typedef struct recollect_pruning {
    const model_mask *mask; // NULL: none
    void (*ablate)(void *context, int64_t forget, const site_block *block, const int32_t *neuron,
                   int n, float *x); // NULL: they are 0
    void *context;
} recollect_pruning;

// Compute units, as a stage's `together` and `units` do. Local, or the team's.
int64_t recollect_together(const recollect *r, int64_t unit);
status recollect_run(recollect *r, int64_t unit, int64_t n, int lane, const recollect_pruning *p,
                     partial *sum);

// The scores for a subset to forget, from the sum of all units: [layers, width of mlp and attn]. Local.
// Fails when out of memory.
status recollect_scores(const recollect *r, const partial *sum, int64_t forget, double *score);

#endif
