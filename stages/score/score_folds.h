// SPDX-License-Identifier: Apache-2.0
// Scores without one fold each, and the intervals that these give, of statistics that `collect` kept
// by fold.
#ifndef STAGES_SCORE_SCORE_FOLDS_H
#define STAGES_SCORE_SCORE_FOLDS_H

#include "stages/common/scores.h"

// A site's statistics: those of the whole, over tokens[subsets, groups], where a group is neurons
// side by side that are over the same tokens.
typedef struct fold_site {
    const artefact *from; // borrowed
    site which;
    int64_t subsets, layers, width, groups;
    bool experts;         // groups are experts', layer by layer; else there is one
    const double *tokens; // borrowed
} fold_site;

// How many folds a collected artefact has; 0: none.
int64_t score_folds_of(const artefact *from);

// Over how many tokens the statistics are without a fold, to without[subsets, groups].
status score_folds_tokens(const fold_site *x, int64_t fold, double *without);
// A statistic without a fold, to out[subsets, layers, width], by its name and the whole's values;
// NaN where no token is left. `without` is of score_folds_tokens.
status score_folds_leave_out(const fold_site *x, const char *statistic, int64_t fold,
                             const double *whole, const double *without, double *out);

// A site's scores without each fold, and what comes of them.
typedef struct score_folds {
    int64_t folds;
    double *without;    // [folds, subsets, layers, width]. Owned, as all
    double *low, *high; // [subsets, layers, width]
} score_folds;

status score_folds_new(const fold_site *x, score_folds *out);
void score_folds_free(score_folds *f);
// The intervals about score[], from what stands in `without`; and the variables (score.c), behind
// the scores of the site. Borrowed until they are stored.
status score_folds_describe(score_folds *f, const fold_site *x, const double *score,
                            artefact_writer *w);

#endif
