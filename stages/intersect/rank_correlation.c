// SPDX-License-Identifier: Apache-2.0
// Ranks lie around their mean, (n + 1) ÷ 2, whatever the ties: so one pass over both lists does.
#include "stages/intersect/rank_correlation.h"

#include <math.h>

void rank_of_order(const double *score, const int64_t *order, int64_t n, double *rank)
{
    for (int64_t i = 0, end; i < n; i = end) {
        for (end = i + 1; end < n && score[order[end]] == score[order[i]];)
            end++;
        // Places i … end - 1 from the top are ranks n - end + 1 … n - i.
        const double mean = (double)(2 * n - end - i + 1) / 2;
        for (int64_t k = i; k < end; k++)
            rank[order[k]] = isnan(score[order[k]]) ? NAN : mean;
    }
}

double rank_correlation(const double *a, const double *b, int64_t n)
{
    const double mean = (double)(n + 1) / 2;
    double ab = 0, aa = 0, bb = 0;
    for (int64_t i = 0; i < n; i++) {
        ab += (a[i] - mean) * (b[i] - mean);
        aa += (a[i] - mean) * (a[i] - mean);
        bb += (b[i] - mean) * (b[i] - mean);
    }
    return aa > 0 && bb > 0 ? ab / sqrt(aa * bb) : NAN;
}
