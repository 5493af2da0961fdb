// SPDX-License-Identifier: Apache-2.0
// k-means with clusters of equal size (n/k rows; where k does not divide n the first n mod k
// clusters have one more).
//
// Lloyd's iteration with the assignment step replaced by the transportation problem (Bradley,
// Bennett and Demiriz, "Constrained K-Means Clustering", 2000), solved exactly
// (balanced_assignment.h) for squared distances in integer units of at most 6 R^2 2^-28, R the
// largest norm of a row: a step's total is within 2 n such units of the minimum, below what float32
// products of the rows resolve. Starts are greedy k-means++ (Arthur and Vassilvitskii, 2007; 2 + ln
// k trials a centre).
//
// Small clusters hold their rows, because a row is part of its own mean: Lloyd's iteration then
// ends early, in a poor optimum. So it is followed by a refinement with the costs of Hartigan
// ("Clustering Algorithms", 1975, chapter 4): a row that leaves a cluster of m saves m/(m-1) of its
// squared distance, one that enters pays m/(m+1). They are exact for one move, and all rows move at
// once: labels are kept only where the inertia fell; where it did not, the weights go halfway back
// to 1, four times at most. The inertia never rises.
//
// The result depends on the rows, the options and the machine's sgemm; not on the pool's threads:
// rows are multiplied in blocks of a fixed size, and sums run over a cluster's rows in ascending
// order. It takes for granted that cblas_sgemm uses one thread.
#ifndef STAGES_CLUSTER_BALANCED_KMEANS_H
#define STAGES_CLUSTER_BALANCED_KMEANS_H

#include <stdbool.h>
#include <stdint.h>

#include "pipeline/base/pool.h"
#include "pipeline/base/rng.h"
#include "pipeline/base/status.h"

// Memory for runs over n rows of `width` into k clusters.
typedef struct balanced_kmeans balanced_kmeans;

// Owned by the caller; borrows the pool (NULL: the caller's thread alone). Local. ERR_USAGE when k
// is not in [1, n].
status balanced_kmeans_new(int64_t n, int64_t width, int k, pool *p, balanced_kmeans **out);
void balanced_kmeans_free(balanced_kmeans *km); // NULL is a no-op
// What _new allocates, for estimates.
double balanced_kmeans_bytes(int64_t n, int64_t width, int k, int threads);

typedef struct balanced_kmeans_options {
    rng random;       // of the start
    int iterations;   // at most
    double tolerance; // ends when the squared shift of all centres is at most tolerance × the mean
                      // variance of a column
    bool (*stopping)(const void *context); // optional; asked before each iteration
    const void *context;                   // of stopping
} balanced_kmeans_options;

// One start: writes label[n], and how many iterations it took (unless NULL). Reads rows [n, width]
// that neuron_rows_prepare has prepared. Local; allocates nothing. ERR_INTERRUPTED when stopping
// says so; ERR_NUMERIC where rows are not finite.
status balanced_kmeans_run(balanced_kmeans *km, const float *rows,
                           const balanced_kmeans_options *options, int32_t *label, int *iterations);

#endif
