// SPDX-License-Identifier: Apache-2.0
// Is an overlap larger than two random sets would have? Probabilities are natural logarithms
// throughout: those of large overlaps lie far below the smallest double.
#ifndef STAGES_INTERSECT_HYPERGEOMETRIC_H
#define STAGES_INTERSECT_HYPERGEOMETRIC_H

#include <stdint.h>

// log P(X >= shared), X = the size of the intersection of a fixed set of `a` and a uniformly random
// set of `b` among n neurons: P(X = x) = C(a, x) C(n - a, b - x) / C(n, b). -INFINITY where it is
// impossible. The relative error of the probability is below 1e-9 for n up to 1e8. Local.
double hypergeometric_log_tail(int64_t shared, int64_t a, int64_t b, int64_t n);

#endif
