// SPDX-License-Identifier: Apache-2.0
// The area under the receiver operating characteristic, from two histograms.
#ifndef STAGES_SCORE_RANK_AUC_H
#define STAGES_SCORE_RANK_AUC_H

#include <stdint.h>

// The chance that a value of `a` lies above one of `b`, those of one bin counted half: the statistic
// of Mann and Whitney (Annals of Mathematical Statistics 18, 1947) over the number of pairs. Bins
// ascend. NaN where either is empty. Local.
double rank_auc(const double *a, const double *b, int bins);

#endif
