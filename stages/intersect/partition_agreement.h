// SPDX-License-Identifier: Apache-2.0
// How far two clusterings of the same things agree, beside what permuted labels give.
//
// With c[i][j] things in cluster i of one and j of the other, and a[i], b[j] the sums:
//   ARI  (Σ C(c,2) - E) / ((A + B)/2 - E), A = Σ C(a,2), B = Σ C(b,2), E = A·B / C(n,2): the
//        adjusted Rand index (Hubert and Arabie, 1985); 1 where all pairs are alike in both, 0 on
//        average for random ones. 1 where both are trivial.
//   NMI  mutual information ÷ the mean of the two entropies; 1 where both have one cluster, 0 where
//        only one of them has.
// Both depend on the labels through Σ C(c,2) and Σ c·log c alone once the sizes are given, and
// these are compared with those of permuted labels as integers: ties are ties.
#ifndef STAGES_INTERSECT_PARTITION_AGREEMENT_H
#define STAGES_INTERSECT_PARTITION_AGREEMENT_H

#include <stdint.h>

#include "pipeline/base/rng.h"
#include "pipeline/base/status.h"

typedef struct partition_pair {
    const int32_t *a, *b; // labels of n things, in [0, clusters_a) and [0, clusters_b). Borrowed
    int64_t n, clusters_a, clusters_b;
} partition_pair;

typedef struct partition_measure {
    double value;     // of the two
    double mean, std; // over the permutations, of the population
    double *drawn;    // [permutations] each one's. Borrowed
    int64_t reached;  // permutations that agree as much or more
} partition_measure;

// Fills both measures, whose `drawn` the caller gives. Permutation t is drawn at positions
// [t·n, (t + 1)·n) of the stream. Local. Fails when out of memory.
status partition_agreement(const partition_pair *p, const rng *r, int64_t permutations,
                           partition_measure *ari, partition_measure *nmi);

#endif
