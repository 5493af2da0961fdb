// SPDX-License-Identifier: Apache-2.0
// The sets of `intersect` with `within: layer`: the top share of each layer, compared layer by
// layer, pair by pair and over all pairs at once.
//
// Two random sets of k of a layer's n neurons share a hypergeometric number. For all pairs at once
// the statistic is what they share together, T = Σ over pairs: of random sets its mean is that of a
// pair times the pairs, and its variance too, for the numbers of two pairs are uncorrelated (given
// the set that both have, each is hypergeometric whatever that set is). Its tail is drawn: one draw
// is a random set for every subset, of k neurons: where a subset of a sparse model has fewer with a
// score, its own set is smaller, and the tail is too large rather than too small. All layers have
// as many neurons, so that the draws of every layer serve all of them.
#ifndef STAGES_INTERSECT_INTERSECT_WITHIN_H
#define STAGES_INTERSECT_INTERSECT_WITHIN_H

#include "stages/intersect/intersect_state.h"

// Makes x->within. Local. Fails when out of memory, or when scores cannot be read.
status intersect_within_open(intersect *x);
void intersect_within_free(intersect_within *within); // NULL is a no-op

// A layer's part of the partial.
typedef struct within_counts {
    int64_t *shared; // [place][subset][subset]. Owned
    int64_t *exceed; // [layer][place], of this layer's draws. Owned
} within_counts;

// Counts it into *out, which is zeros. ERR_INTERRUPTED when the run must stop; fails when out of
// memory. Then adds it, and frees it.
status intersect_within_count(const intersect *x, int64_t layer, within_counts *out);
status intersect_within_add(const intersect *x, int64_t layer, const within_counts *counts,
                            partial *sum);
void intersect_within_drop(within_counts *counts);
// Describes the variables; their data live in x->within.
status intersect_within_finish(intersect *x, const partial *sum, artefact_writer *w);

#endif
