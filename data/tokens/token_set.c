// SPDX-License-Identifier: Apache-2.0
// Shared memory holds no pointers: in the block are counts, samples and ids one behind the other,
// and each rank makes groups of its own that point into it.
#include "data/tokens/token_set.h"

#include <stdlib.h>
#include <string.h>

#include "pipeline/base/checked.h"

status token_set_new(size_t groups, int64_t vocabulary, token_set **out)
{
    status st;
    token_set *s = checked_calloc(1, sizeof *s);
    if (!s)
        return status_no_memory("samples");
    s->groups = groups;
    if (!(s->group = checked_calloc(groups, sizeof *s->group))) {
        st = status_no_memory("samples");
        goto done;
    }
    TRY(token_store_new(vocabulary, TOKEN_STORE_BYTES, &s->store));
    *out = s;
    s = NULL;
done:
    token_set_free(s);
    return st;
}

void token_set_free(token_set *s)
{
    if (!s)
        return;
    for (size_t g = 0; s->group && !s->block && g < s->groups; g++)
        free(s->group[g].at);
    free(s->group);
    if (s->block)
        s->share->release(s->share, s->block);
    token_store_free(s->store);
    tokenizer_close(s->tokenizer);
    text_free(&s->notes);
    free(s);
}

status token_set_add(token_set *s, size_t group, const int32_t *id, size_t n, int32_t target)
{
    token_group *g = &s->group[group];
    if (!checked_grow(&g->at, &g->capacity, g->n + 1, sizeof *g->at))
        return status_no_memory("samples");
    int64_t first = token_store_count(s->store);
    status st = token_store_add(s->store, id, n);
    if (st != OK)
        return st;
    g->at[g->n++] = (token_sample){first, (int32_t)n, target};
    g->rows += (int64_t)n;
    return OK;
}

// What lies in shared memory: this; of each group its samples' number and rows; all samples; the
// ids that are not in the store's file.
typedef struct shared_set {
    uint64_t samples;
    token_store_layout store;
    int32_t candidate[4];
    int candidates;
    int64_t shortened;
    int64_t group[]; // [groups, 2]
} shared_set;

static token_sample *block_samples(shared_set *block, size_t groups)
{
    return (token_sample *)(void *)(block->group + 2 * groups);
}

static unsigned char *block_ids(shared_set *block, size_t groups)
{
    return (unsigned char *)(block_samples(block, groups) + block->samples);
}

static shared_set make_block_head(const token_set *set)
{
    shared_set h = {.store = token_store_get_layout(set->store),
                    .candidates = set->candidates,
                    .shortened = set->shortened};
    memcpy(h.candidate, set->candidate, sizeof h.candidate);
    for (size_t g = 0; g < set->groups; g++)
        h.samples += set->group[g].n;
    return h;
}

static size_t count_block_bytes(const token_set *set)
{
    const shared_set h = make_block_head(set);
    return sizeof h + 2 * set->groups * sizeof *h.group + h.samples * sizeof(token_sample) +
           h.store.n;
}

static void fill_block(const token_set *set, shared_set *to)
{
    *to = make_block_head(set);
    token_sample *at = block_samples(to, set->groups);
    for (size_t g = 0; g < set->groups; g++) {
        const token_group *from = &set->group[g];
        to->group[2 * g] = (int64_t)from->n;
        to->group[2 * g + 1] = from->rows;
        if (from->n)
            memcpy(at, from->at, from->n * sizeof *at);
        at += from->n;
    }
    token_store_copy(set->store, block_ids(to, set->groups));
}

// Lets the set read what lies in its block instead of memory of its own.
static status read_block(token_set *set)
{
    shared_set *from = set->block;
    token_sample *at = block_samples(from, set->groups);
    status st = token_store_borrow(set->store, &from->store, block_ids(from, set->groups));
    for (size_t g = 0; g < set->groups && st == OK; g++) {
        token_group *to = &set->group[g];
        free(to->at);
        *to = (token_group){at, (size_t)from->group[2 * g], 0, from->group[2 * g + 1]};
        at += to->n;
    }
    set->candidates = from->candidates;
    set->shortened = from->shortened;
    memcpy(set->candidate, from->candidate, sizeof set->candidate);
    return st;
}

status token_set_share(share *s, status made, token_set *set)
{
    status st;
    void *block = NULL;
    const bool first = s->rank == 0;
    TRY(s->vote(s, made));
    TRY(share_alloc_as_first(s, first ? count_block_bytes(set) : 0, &block));
    if (first)
        fill_block(set, block);
    TRY(s->vote(s, OK));
    set->share = s;
    set->block = block;
    block = NULL;
    TRY(s->vote(s, read_block(set)));
done:
    if (block)
        s->release(s, block);
    return st;
}
