// SPDX-License-Identifier: Apache-2.0
// Communities of a graph by the Leiden method, from igraph; optional when the program is built.
#ifndef STAGES_CLUSTER_LEIDEN_H
#define STAGES_CLUSTER_LEIDEN_H

#include <stdbool.h>
#include <stdint.h>

#include "pipeline/base/status.h"
#include "stages/cluster/cofiring_graph.h"

bool leiden_present(void); // was igraph there when the program was built?

// Labels the vertices by communities: those of modularity (graph_modularity.h) at `resolution` that
// the Leiden method (Traag, Waltman and van Eck, "From Louvain to Leiden", 2019) finds from `seed`,
// in at most 10 rounds. label[vertices] in [0, *communities), none
// empty; a vertex without edges is a community of its own. Same seed and igraph, same labels.
// Local; any thread may call it. ERR_INTERNAL when igraph refuses.
status leiden_communities(const cofiring_graph *g, double resolution, uint64_t seed, int32_t *label,
                          int32_t *communities);

// Bytes that it holds meanwhile, of a graph of so many edges: for estimates.
double leiden_bytes(double edges);

#endif
