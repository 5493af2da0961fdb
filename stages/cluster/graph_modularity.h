// SPDX-License-Identifier: Apache-2.0
// How modular a graph is, and graphs of the same degrees to compare it with.
#ifndef STAGES_CLUSTER_GRAPH_MODULARITY_H
#define STAGES_CLUSTER_GRAPH_MODULARITY_H

#include "pipeline/base/rng.h"
#include "stages/cluster/cofiring_graph.h"

// Q = Σ over communities of in/2W - resolution·(s/2W)²: in = summed weight between its vertices,
// twice; s = that of all their edges; 2W = s of all (Newman and Girvan, 2004; Reichardt and
// Bornholdt, 2006). label[vertices] in [0, vertices). NaN for a graph without edges. Local. Fails
// when out of memory.
status graph_modularity(const cofiring_graph *g, double resolution, const int32_t *label,
                        double *q);

// A random graph of the same degrees: each unit of an edge's weight is an edge of its own, all of
// them are cut, and the ends are joined at random; ends of one vertex that meet are exchanged with
// those of another edge. So each vertex keeps its summed weight, exactly, and which vertices belong
// together is gone. A function of the graph and the stream. *out is owned by the caller
// (cofiring_graph_free). Local. ERR_INPUT when there are more than 2^30 ends (8 GiB); fails when
// out of memory.
status graph_rewired(const cofiring_graph *g, const rng *r, cofiring_graph **out);

#endif
