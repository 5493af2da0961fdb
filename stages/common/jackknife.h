// SPDX-License-Identifier: Apache-2.0
// Intervals by leaving out one fold at a time.
#ifndef STAGES_COMMON_JACKKNIFE_H
#define STAGES_COMMON_JACKKNIFE_H

#include <stdint.h>

// The standard error of a statistic of which value[i·stride], i < n, are what it is without fold i:
// √((n − 1)/n · Σ (value − mean)²), the jackknife's (Efron & Tibshirani, An Introduction to the
// Bootstrap, 1993, ch. 11), whose observations are the folds. NaN where a value is. n >= 2. Local.
double jackknife_error(const double *value, int64_t n, int64_t stride);

// How many such errors a 95% interval of n folds reaches to each side: Student's t of n − 1 degrees
// of freedom is larger with probability 0.05. Local.
double jackknife_reach(int64_t n);

#endif
