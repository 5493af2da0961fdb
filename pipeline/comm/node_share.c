// SPDX-License-Identifier: Apache-2.0
// An MPI window that finds no room ends the process in Open MPI 4.1, so /dev/shm is looked at
// first. Rank 0 of the node owns the pages; a node of one rank needs no window at all.
#include "pipeline/comm/node_share.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/base/checked.h"
#include "pipeline/comm/vote.h"
#include "pipeline/machine/memory_use.h"

// A block of node memory: the window behind it, or MPI_WIN_NULL where the node has one rank.
typedef struct node_block {
    void *at;
    MPI_Win window;
    struct node_block *next;
} node_block;

typedef struct node_share {
    share base; // first: a share * is a node_share *
    MPI_Comm node;
    node_block *blocks; // owned
} node_share;

// Looked at before MPI is asked: a window that finds no room ends the process.
static status look_for_room(size_t bytes)
{
    const size_t room = memory_use_room();
    if (room == 0 || bytes < room || getenv("OMPI_MCA_osc_sm_backing_directory"))
        return OK;
    return status_fail(
        ERR_INTERNAL, NULL,
        "cannot share %zu bytes among the ranks of a node: %zu are free in /dev/shm; make room "
        "there (`sulcus doctor` says how), or start one rank a node, which needs none",
        bytes, room);
}

static status allocate_window(MPI_Comm node, size_t bytes, node_block *block)
{
    int rank, unit;
    MPI_Aint size;
    MPI_Comm_rank(node, &rank);
    MPI_Comm_set_errhandler(node, MPI_ERRORS_RETURN);
    int failed = MPI_Win_allocate_shared(rank == 0 ? (MPI_Aint)bytes + 64 : 0, 1, MPI_INFO_NULL,
                                         node, &block->at, &block->window);
    MPI_Comm_set_errhandler(node, MPI_ERRORS_ARE_FATAL);
    if (failed) {
        block->window = MPI_WIN_NULL;
        return status_fail(
            ERR_INTERNAL, NULL,
            "cannot share %zu bytes among the ranks of a node; see what `sulcus doctor` says, or "
            "start one rank a node, which needs none",
            bytes);
    }
    MPI_Win_lock_all(MPI_MODE_NOCHECK, block->window);
    MPI_Win_shared_query(block->window, 0, &size, &unit, &block->at);
    // Each rank maps the same pages, and pages are aligned: so this rounds alike everywhere.
    block->at = (void *)(((uintptr_t)block->at + 63) / 64 * 64);
    return OK;
}

static void free_window(MPI_Win *window)
{
    MPI_Win_unlock_all(*window);
    MPI_Win_free(window);
}

static status share_alloc(share *self, size_t bytes, share_fill fill, void **out)
{
    node_share *s = (node_share *)self;
    node_block *block = checked_calloc(1, sizeof *block);
    status st = block ? OK : status_no_memory("a block of shared memory");
    if (block)
        block->window = MPI_WIN_NULL;
    if (block && self->ranks > 1 && self->rank == 0)
        st = look_for_room(bytes);
    st = vote(s->node, st);
    if (st != OK)
        goto done;
    if (self->ranks > 1)
        st = allocate_window(s->node, bytes, block);
    else if (!(block->at = checked_aligned(bytes, 1)))
        st = status_no_memory("a block of shared memory");
    if (st == OK && fill == SHARE_ZEROS && self->rank == 0)
        memset(block->at, 0, bytes);
    st = vote(s->node, st);
    if (st != OK)
        goto done;
    *out = block->at;
    block->next = s->blocks;
    s->blocks = block;
    block = NULL;
done:
    if (block && block->window != MPI_WIN_NULL)
        free_window(&block->window);
    free(block);
    return st;
}

static void share_release(share *self, void *at)
{
    node_share *s = (node_share *)self;
    for (node_block **b = &s->blocks; *b; b = &(*b)->next) {
        node_block *found = *b;
        if (found->at != at)
            continue;
        *b = found->next;
        if (found->window != MPI_WIN_NULL) {
            free_window(&found->window);
        } else {
            free(found->at);
        }
        free(found);
        return;
    }
}

static status vote_on_node(share *self, status st)
{
    return vote(((node_share *)self)->node, st);
}

status node_share_new(MPI_Comm node, share **out)
{
    node_share *s = checked_calloc(1, sizeof *s);
    if (!s)
        return status_no_memory("the communicator");
    *s = (node_share){{0, 0, NULL, share_alloc, share_release, vote_on_node}, node, NULL};
    MPI_Comm_rank(node, &s->base.rank);
    MPI_Comm_size(node, &s->base.ranks);
    *out = &s->base;
    return OK;
}

void node_share_free(share *self)
{
    node_share *s = (node_share *)self;
    if (!s)
        return;
    while (s->blocks)
        share_release(self, s->blocks->at);
    free(s);
}
