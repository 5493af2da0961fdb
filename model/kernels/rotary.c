// SPDX-License-Identifier: Apache-2.0
// Angles are computed in double precision and stored: position times frequency loses its last
// digits in float32 long before a context ends.
#include "model/kernels/rotary.h"

#include <math.h>

#include "pipeline/base/simd.h"

bool rotary_by_length(const rotary *r)
{
    return r->theta > 0 && (r->kind == ROTARY_DYNAMIC || r->kind == ROTARY_LONG);
}

static double mix_llama3(const rotary *r, double plain)
{
    double wavelength = 2 * M_PI / plain;
    if (wavelength < r->original / r->high_factor)
        return plain;
    if (wavelength > r->original / r->low_factor)
        return plain / r->factor;
    double unscaled = (r->original / wavelength - r->low_factor) / (r->high_factor - r->low_factor);
    return (1 - unscaled) * plain / r->factor + unscaled * plain;
}

// The pair, as a real number, that turns so many times within `original`.
static double pair_of_turns(const rotary *r, double turns)
{
    return r->dims * log(r->original / (turns * 2 * M_PI)) / (2 * log(r->theta));
}

static double mix_yarn(const rotary *r, double plain, int i)
{
    double low = pair_of_turns(r, r->beta_fast), high = pair_of_turns(r, r->beta_slow);
    low = fmax(r->whole ? floor(low) : low, 0);
    high = fmin(r->whole ? ceil(high) : high, r->dims - 1);
    if (low == high)
        high += 0.001; // or the ramp would have no width
    double scaled = fmin(fmax((i - low) / (high - low), 0), 1);
    return scaled * plain / r->factor + (1 - scaled) * plain;
}

static double pair_frequency(const rotary *r, int64_t length, int i)
{
    double theta = r->theta;
    if (r->kind == ROTARY_DYNAMIC && (double)length > r->original)
        theta *= pow(r->factor * (double)length / r->original - (r->factor - 1),
                     r->dims / (r->dims - 2.0));
    double plain = pow(theta, -2.0 * i / r->dims) / r->linear;
    if (r->divisors > 0) {
        const bool is_long = r->kind == ROTARY_LONG && (double)length > r->original;
        plain /= (double)(is_long ? r->long_divisor : r->divisor)[i];
    }
    return r->kind == ROTARY_LLAMA3 ? mix_llama3(r, plain)
           : r->kind == ROTARY_YARN ? mix_yarn(r, plain, i)
                                    : plain;
}

void rotary_table(const rotary *r, int64_t length, int64_t positions, float *table)
{
    const int d = r->dims;
    for (int i = 0; i < d / 2; i++) {
        double f = pair_frequency(r, length, i);
        for (int64_t p = 0; p < positions; p++) {
            table[p * d + i] = (float)(r->scale * cos((double)p * f));
            table[p * d + d / 2 + i] = (float)(r->scale * sin((double)p * f));
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

void rotary_apply(const float *table, int dims, const int64_t *turn, int64_t rows, int heads, int d,
                  int64_t stride, float *x)
{
    for (int64_t r = 0; r < rows; r++, x += stride) {
        const float *t = table + (turn ? turn[r] : r) * dims;
        for (int h = 0; h < heads; h++)
            rotate_pairs(t, t + dims / 2, dims / 2, x + h * d, x + h * d + dims / 2);
    }
}
