// SPDX-License-Identifier: Apache-2.0
// What kernels are given in their tests, and how far apart two results are.
#ifndef TESTS_MODEL_CUDA_VALUES_H
#define TESTS_MODEL_CUDA_VALUES_H

#include <math.h>
#include <stdint.h>

static inline float value(int64_t i)
{
    return (float)((i * 7919 + i / 13 * 104729) % 2003 - 1001) / 700;
}

static inline void fill(float *x, int64_t n, int64_t seed)
{
    for (int64_t i = 0; i < n; i++)
        x[i] = value(i + seed);
}

// The largest difference; infinite where one is NaN and the other is not.
static inline double difference(const float *a, const float *b, int64_t n)
{
    double most = 0;
    for (int64_t i = 0; i < n; i++)
        if (isnan(a[i]) != isnan(b[i]))
            return INFINITY;
        else if (!isnan(a[i]))
            most = fmax(most, fabs((double)a[i] - (double)b[i]));
    return most;
}

#endif
