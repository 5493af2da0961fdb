// SPDX-License-Identifier: Apache-2.0
// The loops are over a fixed number of neurons side by side, which compilers turn into vectors: the
// order of additions of one neuron is the same at any vector width, and no intrinsics are needed.
// SIMD_CLONES compiles the outer loop once for each width.
#include "stages/collect/moments.h"

#include <math.h>
#include <string.h>

#include "pipeline/base/simd.h"

// RUN: rows of a float32 sum. LANES: neurons side by side, so few that their sums stay in cache.
enum { RUN = 16, LANES = 64 };

typedef struct lanes {
    double sum[MOMENTS][LANES];
    int64_t positive[LANES];
} lanes;

// Adds one run of at most RUN rows of LANES neurons. The inner loops have a fixed length, so that
// compilers make vectors of them; lanes are neurons, so how many of them an instruction holds does
// not matter to the bits.
SIMD_INLINE void add_run(const float *x, int64_t rows, int64_t stride, lanes *total)
{
    float a[LANES] = {0}, v[LANES] = {0}, s[LANES] = {0}, q[LANES] = {0};
    int32_t p[LANES] = {0};
    for (int64_t r = 0; r < rows; r++) {
        const float *row = x + r * stride;
        for (int i = 0; i < LANES; i++) {
            float magnitude = fabsf(row[i]);
            a[i] += magnitude;
            v[i] += row[i];
            s[i] += row[i] * row[i];
            q[i] += sqrtf(magnitude);
            p[i] += row[i] > 0;
        }
    }
    for (int i = 0; i < LANES; i++) {
        total->sum[MOMENT_ABS][i] += (double)a[i];
        total->sum[MOMENT_VALUE][i] += (double)v[i];
        total->sum[MOMENT_SQUARE][i] += (double)s[i];
        total->sum[MOMENT_SQRT_ABS][i] += (double)q[i];
        total->positive[i] += p[i];
    }
}

// As above for fewer than LANES neurons: the missing ones read as zeros, which change no sum.
SIMD_INLINE void add_narrow_run(const float *x, int64_t rows, int64_t stride, int64_t neurons,
                                lanes *total)
{
    float padded[RUN][LANES] = {{0}};
    for (int64_t r = 0; r < rows; r++)
        memcpy(padded[r], x + r * stride, (size_t)neurons * sizeof *x);
    add_run(padded[0], rows, LANES, total);
}

SIMD_CLONES
static void moments_add(const float *x, int64_t rows, int64_t stride, int64_t neurons,
                        const moments *out)
{
    for (int64_t u = 0; u < neurons; u += LANES) {
        int64_t width = neurons - u < LANES ? neurons - u : LANES;
        lanes total = {0};
        for (int64_t r = 0; r < rows; r += RUN) {
            int64_t run = rows - r < RUN ? rows - r : RUN;
            if (width == LANES)
                add_run(x + r * stride + u, run, stride, &total);
            else
                add_narrow_run(x + r * stride + u, run, stride, width, &total);
        }
        for (int m = 0; m < MOMENTS; m++)
            memcpy(out->sum[m] + u, total.sum[m], (size_t)width * sizeof(double));
        memcpy(out->positive + u, total.positive, (size_t)width * sizeof(int64_t));
    }
}

void moments_of_block(const float *x, int64_t rows, int64_t stride, int64_t neurons,
                      const moments *out)
{
    moments_add(x, rows, stride, neurons, out);
}
