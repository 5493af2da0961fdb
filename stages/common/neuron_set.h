// SPDX-License-Identifier: Apache-2.0
// Sets of neurons, chosen by score.
#ifndef STAGES_COMMON_NEURON_SET_H
#define STAGES_COMMON_NEURON_SET_H

#include <stdint.h>

#include "pipeline/base/status.h"

// How many of n neurons a share selects: floor(share·n + 1e-9) (docs/design.md, Selection).
int64_t neuron_set_size(double share, int64_t n);

// Writes to order[0..n) the neurons by descending score; equal scores: the lower index first; NaN
// last. So the top k are order[0..k), for every k at once. Local. Fails when out of memory.
status neuron_set_order(const double *score, int64_t n, int64_t *order);

// Sorts n numbers, ascending.
void neuron_set_sort(double *value, int64_t n);

#endif
