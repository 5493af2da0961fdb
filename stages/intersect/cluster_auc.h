// SPDX-License-Identifier: Apache-2.0
// How strongly selected neurons gather in few clusters (figure 6 of "Modularity in Transformers",
// arXiv 2408.17324).
//
// With the clusters' counts of selected neurons sorted descending and y[j] the sum of the first j,
// m = min(selected, clusters): AUC = sum(y[0..m-1]) / (y[m]·m), which is near 1/2 when all clusters
// hold alike, near 1 when one holds all. No sorting is needed: with r(t) clusters that hold at
// least t, y[j] = Σ_t min(j, r(t)). And y[m] is all that is selected, for that many lie in m
// clusters at most.
#ifndef STAGES_INTERSECT_CLUSTER_AUC_H
#define STAGES_INTERSECT_CLUSTER_AUC_H

#include <stdint.h>

#include "pipeline/base/rng.h"
#include "pipeline/base/status.h"

// A layer's clusters: label[i] in [0, clusters) of each of its n neurons. Borrowed.
typedef struct clustering {
    const int32_t *label;
    int64_t n, clusters;
} clustering;

// area[j] = sum(y[0..m-1]) for the neurons order[0..sizes[j]) of a layer; `sizes` ascends, none
// above n. An integer, so that it adds. Local. ERR_INTERNAL when out of memory.
status cluster_auc_areas(const clustering *c, const int64_t *order, const int64_t *sizes,
                         int64_t n_sizes, int64_t *area);

// AUC from its area; NaN when nothing is selected.
double cluster_auc(double area, int64_t selected, int64_t clusters);

// The same for `draws` uniformly random orders, those at positions [first, first + draws) of the
// stream r: adds each draw's areas to sum[n_sizes] and their squares to square[n_sizes]. Local.
// Fails when out of memory.
status cluster_auc_areas_random(const clustering *c, const rng *r, int64_t first, int64_t draws,
                                const int64_t *sizes, int64_t n_sizes, int64_t *sum,
                                int64_t *square);

#endif
