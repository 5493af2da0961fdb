// SPDX-License-Identifier: Apache-2.0
// A bin is read off the bits of a float: half the exponent's steps, with one more where the
// mantissa is from sqrt 2 on. So bins are exact, and cheap beside the product that made x.
#include "stages/collect/histogram.h"

#include <math.h>
#include <string.h>

enum {
    HALF = HISTOGRAM_BINS / 2,
    LOWEST = -10,    // exponent of the lowest |x| that bin m = 1 has
    ROOT = 0x3504f3, // mantissa bits of the largest float32 below sqrt 2
    EXPONENT = 23,   // bits of the mantissa
    BIAS = 127,
};

static int bin_of(float x)
{
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    const int exponent = (int)(bits >> EXPONENT & 0xff) - BIAS;
    int m = 2 * (exponent - LOWEST) + ((bits & ((1U << EXPONENT) - 1)) > ROOT) + 1;
    m = m < 0 ? 0 : m;
    m = m < HALF ? m : HALF - 1;
    return x > 0 ? HALF + m : HALF - 1 - m;
}

double histogram_magnitude(int m)
{
    return m == 0 ? 0 : exp2(LOWEST + (m - 1) / 2.0);
}

void histogram_add(const float *x, int64_t rows, int64_t stride, int64_t neurons, int64_t *count)
{
    for (int64_t r = 0; r < rows; r++)
        for (int64_t u = 0; u < neurons; u++)
            count[u * HISTOGRAM_BINS + bin_of(x[r * stride + u])]++;
}
