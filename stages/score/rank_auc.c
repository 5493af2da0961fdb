// SPDX-License-Identifier: Apache-2.0
// One pass: each bin of `a` against what lies below it in `b`. Counts are whole and below 2^53, so
// only the products round.
#include "stages/score/rank_auc.h"

double rank_auc(const double *a, const double *b, int bins)
{
    double below = 0, above = 0, of_a = 0;
    for (int i = 0; i < bins; i++) {
        above += a[i] * (below + b[i] / 2);
        below += b[i];
        of_a += a[i];
    }
    return above / (of_a * below);
}
