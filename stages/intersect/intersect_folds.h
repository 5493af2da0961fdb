// SPDX-License-Identifier: Apache-2.0
// What `intersect` makes of scores that are there without each fold too: intervals of overlaps, and
// how much of each set stays.
#ifndef STAGES_INTERSECT_INTERSECT_FOLDS_H
#define STAGES_INTERSECT_INTERSECT_FOLDS_H

#include "stages/intersect/intersect_state.h"

// Makes x->folds: the sets without each fold. Local. Fails when out of memory, or when scores cannot
// be read.
status intersect_folds_open(intersect *x);
void intersect_folds_free(intersect_folds *r); // NULL is a no-op

// Counts a layer's part and adds it. Fails when out of memory.
status intersect_folds_count(const intersect *x, int64_t layer, partial *sum);
// Describes the variables, about overlap[fraction][subset_a][subset_b] and its mean[fraction]. Their
// data live in x->folds.
status intersect_folds_finish(intersect *x, const partial *sum, const double *overlap,
                              const double *mean, artefact_writer *w);

#endif
