// SPDX-License-Identifier: Apache-2.0
// MoEfication's co-activation graph, and its cut into parts of equal size by METIS.
//
// Vertices are a layer's neurons. A(i, j) = sampled tokens at which both fire (activation > 0). The
// threshold T is the first of the 10th, 20th, ... 90th percentiles (nearest rank, over pairs i < j)
// of A that is not zero and whose graph METIS can hold (fewer than 2^31 edge ends and summed
// weights); 1 where all are zero. Pairs with A >= T are edges of weight floor(A / T). MoEfication
// (Zhang et al., 2022) differs in A (sums of products of activations, clipped at 1 for each 8
// tokens), and so needs a margin of 1% below its threshold, which whole counts do not.
#ifndef STAGES_CLUSTER_COFIRING_GRAPH_H
#define STAGES_CLUSTER_COFIRING_GRAPH_H

#include <stdint.h>

#include "pipeline/base/pool.h"
#include "pipeline/base/status.h"

// The neighbours of vertex i are neighbour[first[i]..first[i + 1]), ascending, with their edges'
// weights. Each edge is there twice.
typedef struct cofiring_graph {
    int32_t vertices, threshold;
    int32_t *first, *neighbour, *weight; // owned
} cofiring_graph;

// Builds the graph of n neurons with `bytes` bytes of firing bits each: bits[n, bytes] (padding
// bits are 0). The pool (NULL: the caller's thread alone) does not change the result. Holds n^2
// counts of 4 bytes meanwhile. *out is owned by the caller. Local. ERR_INPUT when no threshold
// leaves few enough edges for METIS.
status cofiring_graph_new(const uint8_t *bits, int64_t n, int64_t bytes, pool *p,
                          cofiring_graph **out);
void cofiring_graph_free(cofiring_graph *g); // NULL is a no-op

// Cuts the graph into k parts of balanced_assignment_size(n, k, j) vertices (1 <= k <= n), writing
// label[n] in [0, k). METIS's multilevel k-way partition from `seed` (balanced within 3%, little
// weight cut), then made exact: its parts taken as they are, neurons move from parts that are too
// large so that as much weight as can be stays between a neuron and its part
// (balanced_assignment.h; a move is charged four times the largest such weight, so that hardly any
// but the overflow moves). A graph without edges is cut into runs of neighbouring indices. Same
// seed, same labels. Local; METIS draws from rand(), so one call at a time in a process.
// ERR_INTERNAL when METIS refuses.
status cofiring_graph_partition(const cofiring_graph *g, int k, uint64_t seed, int32_t *label);

// The sum of the weights of edges between different parts. Local.
int64_t cofiring_graph_cut(const cofiring_graph *g, const int32_t *label);

#endif
