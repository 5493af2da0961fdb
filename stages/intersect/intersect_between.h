// SPDX-License-Identifier: Apache-2.0
// `intersect` of two steps of scores: which sets of the first meet which of the second. The two may
// be of two models, seeds, measures or splits, with subsets of their own, but number the same
// neurons.
#ifndef STAGES_INTERSECT_INTERSECT_BETWEEN_H
#define STAGES_INTERSECT_INTERSECT_BETWEEN_H

#include "stages/intersect/intersect_state.h"

// Opens the second step's scores and names behind the first's: x->split, x->other, x->subsets.
// ERR_INPUT where layers or neurons differ. Local.
status intersect_between_open(intersect *x, const artefact *second, const char *sites);
// Describes the artefact, of the block of pairs (first, second). Its data live in x->between.
status intersect_between_finish(intersect *x, const partial *sum, artefact_writer *w);
void intersect_between_free(intersect_between *between); // NULL is a no-op

#endif
