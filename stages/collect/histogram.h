// SPDX-License-Identifier: Apache-2.0
// Histograms of activations, neuron by neuron: what the measure `auc` orders tokens by. Bins are
// half octaves of |x| on each side of zero, the same for every neuron and model, so that counts of
// any tokens add up.
#ifndef STAGES_COLLECT_HISTOGRAM_H
#define STAGES_COLLECT_HISTOGRAM_H

#include <stdint.h>

#include "model/forward/forward.h"

// The lowest |x| of the bins m above; 0 for m = 0.
double histogram_magnitude(int m);

// Adds rows x[r · stride + u] to count[u · HISTOGRAM_BINS + bin]. Not NaN. Local.
void histogram_add(const float *x, int64_t rows, int64_t stride, int64_t neurons, int64_t *count);

#endif
