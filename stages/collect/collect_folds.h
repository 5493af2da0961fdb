// SPDX-License-Identifier: Apache-2.0
// Statistics by fold, with `folds: K`: the tiles of each subset are dealt to K folds, whose sums are
// kept. What is made of them is in stages/score.
#ifndef STAGES_COLLECT_COLLECT_FOLDS_H
#define STAGES_COLLECT_COLLECT_FOLDS_H

#include "stages/collect/collect_output.h"

// Deals the tiles of a subset to the layout's folds by the parameter `seed`, as many to each as can
// be, and puts them one fold behind the other. Local. ERR_USAGE, at `folds`, where a subset has
// fewer tiles.
status collect_folds_deal(const params *p, const collect_layout *l, tiling *cuts, int subset);
// Where the tiles of a subset's fold begin among the cuts, which end where the next one's begin.
int64_t collect_folds_first(const collect_layout *l, const tiling *cuts, int subset, int fold);

// What describes the whole.
typedef struct collect_folds {
    collect_layout whole; // shares what the folds' layout owns
    partial *sum;         // owned
} collect_folds;

// Describes the variables of the whole, whose sums are exactly those of all folds, and behind them
// the folds' (see collect.c). Borrows all three until they are stored; collect_folds_free is safe
// after a failure too.
status collect_folds_describe(collect_folds *f, collect_layout *l, const partial *sum,
                              artefact_writer *w);
void collect_folds_free(collect_folds *f);
// For estimates: bytes of the whole's sums, beside the folds'.
double collect_folds_bytes(const collect_layout *l);

#endif
