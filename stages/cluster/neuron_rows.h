// SPDX-License-Identifier: Apache-2.0
// Rows of unit length, as clusters compare them.
#ifndef STAGES_CLUSTER_NEURON_ROWS_H
#define STAGES_CLUSTER_NEURON_ROWS_H

#include <stddef.h>
#include <stdint.h>

#include "pipeline/base/status.h"

// The squared length of x[width], in float64.
double neuron_rows_square(const float *x, int64_t width);

// Scales each of n rows of `width` floats to unit length (a zero row stays zero), then subtracts
// the rows' mean, in place. Distances between rows are not changed by the shift, which
// only keeps float32 products accurate. ERR_NUMERIC where a row is not finite. Local.
status neuron_rows_prepare(float *rows, int64_t n, int64_t width);

// The sum over rows [n, width] of the squared distance to their cluster's mean, in float64;
// label[n] in [0, k). Local. Fails when out of memory.
status neuron_rows_inertia(const float *rows, int64_t n, int64_t width, int k, const int32_t *label,
                           double *inertia);

// Rows are multiplied in blocks of a fixed size, so that the bits depend neither on threads nor on
// who computes what.
enum { NEURON_ROWS_BLOCK = 256 };

int64_t neuron_rows_blocks(int64_t n); // of n rows

// Centres [count, width] as the rows' products read them, of neuron_rows_packed_bytes: packed for
// our own products where the CPU has them (model/kernels/products.h); else BLAS reads them as
// they are, and nothing is packed.
size_t neuron_rows_packed_bytes(int count, int64_t width);
void neuron_rows_pack(const float *centre, int count, int64_t width, void *strip);

// Inner products of the rows of a block (the last may be shorter) with `count` centres [count,
// width], which `strip` holds too: writes out[rows of the block, count] and returns how many rows
// there are. BLAS must be single-threaded for equal bits. Local.
int64_t neuron_rows_products(const float *rows, int64_t n, int64_t width, int64_t block,
                             const float *centre, const void *strip, int count, float *out);

#endif
