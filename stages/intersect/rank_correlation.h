// SPDX-License-Identifier: Apache-2.0
// How much two scores order the same neurons alike.
#ifndef STAGES_INTERSECT_RANK_CORRELATION_H
#define STAGES_INTERSECT_RANK_CORRELATION_H

#include <stdint.h>

#include "pipeline/base/status.h"

// Writes rank[n] of score[n], 1 for the lowest; equal ones share their mean rank, NaN has rank NaN.
// order[n] is a descending order of the scores (neuron_set_order). Local.
void rank_of_order(const double *score, const int64_t *order, int64_t n, double *rank);

// Spearman's rank correlation: that of Pearson, of two lists of ranks (C. Spearman, The American
// Journal of Psychology 15, 1904). NaN where all of either are equal, or one is NaN. Local.
double rank_correlation(const double *a, const double *b, int64_t n);

#endif
