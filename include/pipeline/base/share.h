// SPDX-License-Identifier: Apache-2.0
// Memory that the ranks of a node share, as the model runtime sees it: no MPI here. The engine
// gives one backed by MPI's shared windows; a NULL share means one process alone with private
// memory.
#ifndef PIPELINE_BASE_SHARE_H
#define PIPELINE_BASE_SHARE_H

#include <stdatomic.h>
#include <stddef.h>

#include "pipeline/base/relay.h"
#include "pipeline/base/status.h"

// What is in a new block.
typedef enum share_fill {
    SHARE_ZEROS,
    SHARE_UNSET, // anything; its pages are first touched by who writes them: zeroing those of a
                 // large model's weights takes one rank seconds
} share_fill;

typedef struct share share;
struct share {
    int rank, ranks; // of this process among those of its node
    // What computes this rank's units beside its CPUs, as the registry found it (pipeline/stage.h); NULL:
    // nothing. Borrowed.
    const void *device;
    relay *team; // those it holds the layers of models with; NULL: it holds them all. With a
                 // team, the share is of those of its node that hold the same layers
    // Collective on the node: one block of `bytes` (the same on all ranks) that all ranks see,
    // 64-byte aligned.
    status (*alloc)(share *self, size_t bytes, share_fill fill, void **block);
    // Collective on the node: releases a block of alloc.
    void (*release)(share *self, void *block);
    // Collective on the node: returns the worst status of all ranks, with its text, after all have
    // arrived; what was written before it is seen by all behind it.
    status (*vote)(share *self, status st);
    // Turns true when the run must stop: long loops of what is collective on a share ask it, and
    // return ERR_INTERRUPTED. NULL: never.
    const atomic_bool *stopping;
};

// `vote` of the share; without one (NULL) the status itself.
status share_vote(share *s, status st);
// `alloc` of an unset block whose size only the node's first rank knows, which is to fill it: the
// others' `bytes` count for nothing. Collective on the node.
status share_alloc_as_first(share *s, size_t bytes, void **block);

#endif
