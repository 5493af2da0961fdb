// SPDX-License-Identifier: Apache-2.0
// Logarithms of binomial coefficients give the first term of a tail, and the ratio of neighbouring
// terms the rest, relative to it: nothing underflows, and a tail of a million terms ends where they
// no longer count.
#include "stages/intersect/hypergeometric.h"

#include <math.h>

// lgamma in long double: its terms are as large as n log n and cancel, which costs a double up to
// seven digits.
static long double log_choose(int64_t n, int64_t k)
{
    int sign;
    return lgammal_r((long double)n + 1, &sign) - lgammal_r((long double)k + 1, &sign) -
           lgammal_r((long double)(n - k) + 1, &sign);
}

static double log_probability(int64_t x, int64_t a, int64_t b, int64_t n)
{
    return (double)(log_choose(a, x) + log_choose(n - a, b - x) - log_choose(n, b));
}

// Sums P(X = x), P(X = x + step), … relative to the first term, away from the mode, until they no
// longer count.
static double relative_sum(int64_t x, int step, int64_t last, int64_t a, int64_t b, int64_t n)
{
    double term = 1, sum = 1;
    for (; x != last && term > sum * 1e-18; x += step) {
        int64_t low = step > 0 ? x : x - 1; // P(low + 1) / P(low):
        double ratio = ((double)(a - low) * (double)(b - low)) /
                       ((double)(low + 1) * (double)(n - a - b + low + 1));
        term *= step > 0 ? ratio : 1 / ratio;
        sum += term;
    }
    return sum;
}

double hypergeometric_log_tail(int64_t shared, int64_t a, int64_t b, int64_t n)
{
    int64_t low = a + b > n ? a + b - n : 0, high = a < b ? a : b;
    if (shared <= low)
        return 0;
    if (shared > high)
        return -INFINITY;
    // The terms fall from the mode outwards, so each tail is summed from its own end of the mode.
    if ((double)shared * (double)n > (double)a * (double)b)
        return log_probability(shared, a, b, n) + log(relative_sum(shared, 1, high, a, b, n));
    double below =
        log_probability(shared - 1, a, b, n) + log(relative_sum(shared - 1, -1, low, a, b, n));
    return log1p(-exp(below));
}
