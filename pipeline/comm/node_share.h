// SPDX-License-Identifier: Apache-2.0
// The memory that the ranks of a node share (pipeline/base/share.h), in files that all map. For
// comm.c and team.c only: this header needs mpi.h.
#ifndef PIPELINE_COMM_NODE_SHARE_H
#define PIPELINE_COMM_NODE_SHARE_H

#include <mpi.h>
#include <stddef.h>

#include "pipeline/base/share.h"

// Shared memory of the ranks of `node`. A node of one rank has private memory. Collective on it.
// `node` is borrowed, the share owned by the caller.
status node_share_new(MPI_Comm node, share **out);
// Releases the blocks that are left. Collective on the node. NULL is a no-op.
void node_share_free(share *s);

#endif
