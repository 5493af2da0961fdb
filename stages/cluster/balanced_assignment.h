// SPDX-License-Identifier: Apache-2.0
// Rows to clusters of given sizes at the lowest total cost: the transportation problem with n
// sources of one unit and k sinks, solved exactly.
//
// Successive shortest paths on the graph of clusters (Ahuja, Magnanti and Orlin, "Network
// Flows", 9.7, with the rows contracted): an arc a -> b costs what the cheapest row of a loses by
// moving to b, so a path moves one row along each of its arcs, and a path from an overfull to an
// underfull cluster mends one unit. Each cluster has a price, and at every moment each row sits
// where cost + price is lowest; that is what makes the arcs' reduced costs non-negative (Dijkstra)
// and the end result optimal for its sizes. Costs are integers, so there is no tolerance: the total
// equals the minimum.
//
// Work: O(n k) to begin, then at most n paths of O(k^2) + a rescan of the moved rows' clusters. The
// prices are kept for the next call: when costs change little, few rows start in a cluster that is
// too full, and few paths remain.
#ifndef STAGES_CLUSTER_BALANCED_ASSIGNMENT_H
#define STAGES_CLUSTER_BALANCED_ASSIGNMENT_H

#include <stdint.h>

#include "pipeline/base/status.h"

enum { BALANCED_COST_MAX = 1 << 29 }; // the largest magnitude of a cost

typedef struct balanced_assignment balanced_assignment;

// Rows of cluster j when n rows are cut into k clusters: n/k, and one more in each of the first n
// mod k clusters.
int64_t balanced_assignment_size(int64_t n, int k, int j);

// Memory for problems of n rows (below 2^31) and k clusters, 1 <= k <= n, all prices 0. Owned by
// the caller.
status balanced_assignment_new(int64_t n, int k, balanced_assignment **out);
void balanced_assignment_free(balanced_assignment *a); // NULL is a no-op

// Sets all prices to 0, as after _new: the next result then depends on its arguments only.
void balanced_assignment_reset(balanced_assignment *a);

// Writes to label[n] the cluster of each row, so that cluster j has balanced_assignment_size(n, k,
// j) rows and the sum of cost[row * k + label[row]] is minimal. Where several clusters are equally
// good to start with, a row keeps the label it came with (-1: the lowest). Local; allocates
// nothing, cannot fail; costs beyond BALANCED_COST_MAX are the caller's mistake.
void balanced_assignment_solve(balanced_assignment *a, const int32_t *cost, int32_t *label);

// The prices [k] of the last solution. They certify it: cost[i][label[i]] + price[label[i]] <=
// cost[i][j] + price[j] for every row i and cluster j. Borrowed.
const int64_t *balanced_assignment_prices(const balanced_assignment *a);

// Paths the last solution took: how many rows began in a cluster that was too full.
int64_t balanced_assignment_paths(const balanced_assignment *a);

#endif
