// SPDX-License-Identifier: Apache-2.0
// Angles are computed in double precision and stored: position times frequency loses its last
// digits in float32 long before a context ends.
#include "model/kernels/rotary.h"

#include <math.h>

#include "pipeline/base/simd.h"

static double pair_frequency(const rotary *r, int i, int d)
{
    double plain = pow(r->theta, -2.0 * i / d) / r->linear;
    if (r->divisors > 0)
        plain /= (double)r->divisor[i];
    if (r->factor <= 0)
        return plain;
    double wavelength = 2 * M_PI / plain;
    if (wavelength < r->original / r->high_factor)
        return plain;
    if (wavelength > r->original / r->low_factor)
        return plain / r->factor;
    double unscaled = (r->original / wavelength - r->low_factor) / (r->high_factor - r->low_factor);
    return (1 - unscaled) * plain / r->factor + unscaled * plain;
}

void rotary_table(const rotary *r, int64_t positions, int d, float *table)
{
    for (int i = 0; i < d / 2; i++) {
        double f = pair_frequency(r, i, d);
        for (int64_t p = 0; p < positions; p++) {
            table[p * d + i] = (float)cos((double)p * f);
            table[p * d + d / 2 + i] = (float)sin((double)p * f);
        }
    }
}

SIMD_CLONES static void rotate_pairs(const float *cosine, const float *sine, int half, float *x,
                                     float *y)
{
    for (int i = 0; i < half; i++) {
        float a = x[i], b = y[i];
        x[i] = a * cosine[i] - b * sine[i];
        y[i] = b * cosine[i] + a * sine[i];
    }
}

void rotary_apply(const float *table, const int64_t *position, int64_t rows, int heads, int d,
                  int64_t stride, float *x)
{
    for (int64_t r = 0; r < rows; r++, x += stride) {
        const float *t = table + (position ? position[r] : r) * d;
        for (int h = 0; h < heads; h++)
            rotate_pairs(t, t + d / 2, d / 2, x + h * d, x + h * d + d / 2);
    }
}
