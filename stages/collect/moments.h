// SPDX-License-Identifier: Apache-2.0
// The statistics kernel: sums over the rows of a block of activations, neuron by neuron, fast and
// the same bits on any SIMD width.
#ifndef STAGES_COLLECT_MOMENTS_H
#define STAGES_COLLECT_MOMENTS_H

#include <stdint.h>

// What is summed of a neuron's values x.
typedef enum moment {
    MOMENT_ABS,      // |x|
    MOMENT_VALUE,    // x
    MOMENT_SQUARE,   // x^2
    MOMENT_SQRT_ABS, // sqrt|x|
    MOMENTS,
} moment;

// Sums of one block: sum[m][u] and how many x are > 0, of neuron u.
typedef struct moments {
    double *sum[MOMENTS]; // borrowed, [neurons] each
    int64_t *positive;    // borrowed, [neurons]
} moments;

// Overwrites `out` with the sums of x[r · stride + u] over rows r and neurons u. A neuron's terms
// are added in row order: float32 over runs of 16 rows, the runs in float64, which keeps a sum of n
// like terms within about n · 1e-7 of n of them at any n, at the speed of float32. NaN and infinity
// stay what they are. Local, allocates nothing.
void moments_of_block(const float *x, int64_t rows, int64_t stride, int64_t neurons,
                      const moments *out);

#endif
