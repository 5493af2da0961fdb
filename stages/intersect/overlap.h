// SPDX-License-Identifier: Apache-2.0
// How far sets of neurons overlap, for a whole list of set sizes in one pass.
//
// Sets of growing size taken from one order are nested, so a neuron is described by the first set
// that holds it, and a pair of subsets shares it from the later of its two first sets on. One
// histogram of that maximum therefore counts the shared neurons of a pair at every size at once.
#ifndef STAGES_INTERSECT_OVERLAP_H
#define STAGES_INTERSECT_OVERLAP_H

#include <stdint.h>

#include "pipeline/base/status.h"

// first[i] = the index of the first of the ascending `sizes` whose set order[0..size) holds neuron
// i, or n_sizes where none does. `order` has n entries (neuron_set_order). n_sizes <= UINT16_MAX.
// Local.
void overlap_first(const int64_t *order, int64_t n, const int64_t *sizes, int64_t n_sizes,
                   uint16_t *first);

// shared[j] = how many of the n neurons are in both sets of size index j: first_a[i] <= j and
// first_b[i] <= j. `shared` has n_sizes + 1 entries; the last counts all n. With a = b these are
// the set's own neurons among the n. Local.
void overlap_count(const uint16_t *first_a, const uint16_t *first_b, int64_t n, int64_t n_sizes,
                   int64_t *shared);

// Writes that of subset a and each from a on, of n: shared[n_sizes][n][n], both ways. Those of
// subset s begin at first + s · stride. Local. Fails when out of memory.
status overlap_pairs(const uint16_t *first, int64_t stride, int64_t width, int64_t n_sizes,
                     int64_t n, int64_t a, int64_t *shared);

typedef struct overlap_summary {
    double mean, median, std, min, max; // std of the population; all NaN without pairs
} overlap_summary;

// Over the unordered pairs of n subsets: the entries above the diagonal of matrix[n][n], without
// those that are NaN. Local.
status overlap_summarise(const double *matrix, int64_t n, overlap_summary *out);

#endif
