// SPDX-License-Identifier: Apache-2.0
// The memory that the ranks of a node share (base/share.h), on MPI's shared windows; and the vote
// that it, comm.c and team.c are built on. For those only: this header needs mpi.h.
#ifndef PIPELINE_COMM_NODE_SHARE_H
#define PIPELINE_COMM_NODE_SHARE_H

#include <mpi.h>
#include <stddef.h>

#include "pipeline/base/share.h"
#include "pipeline/comm/comm.h"

// Gives each of n verdicts, on all ranks of a communicator, the code and text that comm_agree_each
// promises. Collective on `ranks`.
void node_share_vote(MPI_Comm ranks, size_t n, verdict *v);
status node_share_agree(MPI_Comm ranks, status st); // the same for one status

// Shared memory of the ranks of `node`. A node of one rank has private memory. Collective on it.
// `node` is borrowed, the share owned by the caller.
status node_share_new(MPI_Comm node, share **out);
// Releases the blocks that are left. Collective on the node. NULL is a no-op.
void node_share_free(share *s);

#endif
