// SPDX-License-Identifier: Apache-2.0
// Is an overlap larger than two random sets would have? Probabilities are natural logarithms
// throughout: those of large overlaps lie far below the smallest double.
#ifndef STAGES_INTERSECT_HYPERGEOMETRIC_H
#define STAGES_INTERSECT_HYPERGEOMETRIC_H

#include <stdint.h>

#include "pipeline/base/status.h"

// log P(X >= shared), X = the size of the intersection of a fixed set of `a` and a uniformly random
// set of `b` among n neurons: P(X = x) = C(a, x) C(n - a, b - x) / C(n, b). -INFINITY where it is
// impossible. The relative error of the probability is below 1e-9 for n up to 1e8. Local.
double hypergeometric_log_tail(int64_t shared, int64_t a, int64_t b, int64_t n);

// Corrects n log p-values in place for n tests (Holm, "A simple sequentially rejective multiple
// test procedure", 1979): by ascending p, the i-th (from 0) times n - i, never below the one
// before, at most 1. NaN is no test and stays. Local.
status holm_correct(double *log_p, int64_t n);

#endif
