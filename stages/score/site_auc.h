// SPDX-License-Identifier: Apache-2.0
// The measure `auc` of a site's neurons, from the histograms that `collect` kept, and the same
// without each fold.
#ifndef STAGES_SCORE_SITE_AUC_H
#define STAGES_SCORE_SITE_AUC_H

#include <stdbool.h>

#include "stages/common/scores.h"

typedef struct auc_site {
    const artefact *from; // borrowed
    site which;
    int64_t subsets, layers, width;
    int64_t folds;        // to leave out one by one; 0: none
    const bool *retained; // borrowed [subsets]: those that the others are compared with
} auc_site;

// By how many folds a collected artefact has histograms of a site; 0: by none.
int64_t site_auc_folds(const artefact *from, site which);

// Writes score[subsets, layers, width], each subset against the other retained ones together, and
// the same without each fold to without[folds, subsets, layers, width]; NaN where either side has no
// token (stages/score/rank_auc.h). Reads a layer of histograms at a time. Local. ERR_INPUT where
// there are none.
status site_auc(const auc_site *x, double *score, double *without);

#endif
