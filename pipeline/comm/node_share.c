// SPDX-License-Identifier: Apache-2.0
// A node's ranks all read what is here, so that it lies in turns in the domains of their CPUs.
//
// Files that all map rather than MPI's shared windows: a window that finds no room ends the process
// in Open MPI 4.1, its pages are killed for where it does, and it leaves its file behind where a
// rank is killed. Rank 0 of the node makes the file; a node of one rank needs none.
#include "pipeline/comm/node_share.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "pipeline/base/checked.h"
#include "pipeline/comm/vote.h"
#include "pipeline/machine/interleave.h"
#include "pipeline/machine/shared_file.h"

// A block of node memory.
typedef struct node_block {
    void *at;
    shared_file file; // rank 0 holds it open
    size_t mapped;    // bytes
    struct node_block *next;
} node_block;

typedef struct node_share {
    share base; // first: a share * is a node_share *
    MPI_Comm node;
    domain_set domains; // of its ranks
    node_block *blocks; // owned
} node_share;

// What was promised and is not yet taken. Rank 0.
static size_t count_untouched(const node_share *s)
{
    size_t bytes = 0;
    for (const node_block *b = s->blocks; b; b = b->next)
        bytes += shared_file_untouched(&b->file);
    return bytes;
}

// Collective.
static status map_block(node_share *s, size_t bytes, node_block *block)
{
    const bool first = s->base.rank == 0;
    shared_file *f = &block->file;
    status st = first ? shared_file_make(bytes, count_untouched(s), f) : OK;
    TRY(vote(s->node, st));
    int length = (int)strlen(f->path) + 1; // far below what MPI copies from process to process
    MPI_Bcast(&length, 1, MPI_INT, 0, s->node);
    MPI_Bcast(f->path, length, MPI_BYTE, 0, s->node);
    st = shared_file_map(f->path, bytes, &block->at);
    block->mapped = st == OK ? bytes : 0;
    if (first && st == OK) // for all: it is the file's
        interleave_pages(block->at, bytes, &s->domains);
    st = vote(s->node, st);
    if (first)
        shared_file_forget(f);
done:
    return st;
}

// Pages of zeros, which take memory when they are touched.
static status map_private(node_share *s, size_t bytes, node_block *block)
{
    void *at = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (at == MAP_FAILED)
        return status_no_memory("a block of shared memory");
    interleave_pages(at, bytes, &s->domains);
    block->at = at;
    block->mapped = bytes;
    return OK;
}

static void free_block(node_block *block)
{
    if (block->mapped)
        munmap(block->at, block->mapped);
    shared_file_close(&block->file);
    free(block);
}

static status share_alloc(share *self, size_t bytes, share_fill fill, void **out)
{
    node_share *s = (node_share *)self;
    node_block *block = checked_calloc(1, sizeof *block);
    if (block)
        block->file.file = -1;
    status st;
    TRY(vote(s->node, block ? OK : status_no_memory("a block of shared memory")));
    (void)fill; // both are of zeros, and touched by who writes them
    if (bytes == 0)
        bytes = 1;
    TRY(self->ranks > 1 ? map_block(s, bytes, block) : map_private(s, bytes, block));
    *out = block->at;
    block->next = s->blocks;
    s->blocks = block;
    block = NULL;
done:
    if (block)
        free_block(block);
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
        free_block(found);
        return;
    }
}

static status vote_on_node(share *self, status st)
{
    return vote(((node_share *)self)->node, st);
}

status node_share_new(MPI_Comm node, share **out)
{
    domain_set domains = cores_domains();
    MPI_Allreduce(MPI_IN_PLACE, domains.bits, CORES_DOMAINS / 64, MPI_UINT64_T, MPI_BOR, node);
    node_share *s = checked_calloc(1, sizeof *s);
    if (!s)
        return status_no_memory("the communicator");
    *s =
        (node_share){.base = {.alloc = share_alloc, .release = share_release, .vote = vote_on_node},
                     .node = node,
                     .domains = domains};
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
