// SPDX-License-Identifier: Apache-2.0
// Folds are few: the normal quantile, 1.96, would be too small by half at four of them. Student's
// distribution has a finite sum for whole degrees of freedom (Abramowitz & Stegun, 26.7.3 and
// 26.7.4), which is inverted by bisection.
#include "stages/common/jackknife.h"

#include <math.h>

// P(|T| < t).
static double within(double t, int64_t freedom)
{
    const double angle = atan(t / sqrt((double)freedom)), c = cos(angle);
    const int odd = freedom % 2;
    double term = odd ? c : 1, sum = 0;
    for (int64_t i = odd; i <= freedom - 2; i += 2) {
        sum += term;
        term *= c * c * (double)(i + 1) / (double)(i + 2);
    }
    return odd ? (angle + sin(angle) * sum) * M_2_PI : sin(angle) * sum;
}

double jackknife_reach(int64_t n)
{
    double low = 1, high = 16; // 12.7 with one degree of freedom
    for (int i = 0; i < 60; i++) {
        const double middle = (low + high) / 2;
        *(within(middle, n - 1) < 0.95 ? &low : &high) = middle;
    }
    return (low + high) / 2;
}

double jackknife_error(const double *value, int64_t n, int64_t stride)
{
    double mean = 0, square = 0;
    for (int64_t i = 0; i < n; i++)
        mean += value[i * stride] / (double)n;
    for (int64_t i = 0; i < n; i++)
        square += (value[i * stride] - mean) * (value[i * stride] - mean);
    return sqrt(square * (double)(n - 1) / (double)n);
}
