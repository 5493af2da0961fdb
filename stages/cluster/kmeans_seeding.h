// SPDX-License-Identifier: Apache-2.0
// Greedy k-means++ (Arthur and Vassilvitskii, "k-means++: the advantages of careful seeding",
// 2007): each centre is the best of 2 + ln k rows drawn with probability proportional to the
// squared distance to the nearest centre so far. The first is drawn uniformly.
#ifndef STAGES_CLUSTER_KMEANS_SEEDING_H
#define STAGES_CLUSTER_KMEANS_SEEDING_H

#include <stdint.h>

#include "pipeline/base/pool.h"
#include "pipeline/base/rng.h"
#include "pipeline/base/status.h"

typedef struct kmeans_seeding kmeans_seeding;

// Memory for k of n rows, 1 <= k <= n. Owned by the caller; borrows the pool (NULL: the caller's
// thread alone), which does not change the result. Local.
status kmeans_seeding_new(int64_t n, int64_t width, int k, pool *p, kmeans_seeding **out);
void kmeans_seeding_free(kmeans_seeding *s); // NULL is a no-op
// What _new allocates, for estimates.
double kmeans_seeding_bytes(int64_t n, int64_t width, int k, int threads);

// Writes k of the rows [n, width] to centre[k, width]; `square` holds the rows' squared lengths
// [n]. Where fewer than k rows differ, some are chosen twice. Local; allocates nothing.
status kmeans_seeding_run(kmeans_seeding *s, const float *rows, const float *square,
                          const rng *random, float *centre);

#endif
