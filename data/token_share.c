// SPDX-License-Identifier: Apache-2.0
#include <stdlib.h>
#include <string.h>

#include "data/token_set.h"

// What lies in shared memory: this; of each group its samples' number and rows; all samples; the
// ids that are not in the store's file.
typedef struct shared_head {
    uint64_t samples;
    token_store_parts store;
    int32_t candidate[4];
    int candidates;
    int64_t shortened;
} shared_head;

static shared_head head_of(const token_set *set)
{
    shared_head h = {.store = token_store_look(set->store),
                     .candidates = set->candidates,
                     .shortened = set->shortened};
    memcpy(h.candidate, set->candidate, sizeof h.candidate);
    for (size_t g = 0; g < set->groups; g++)
        h.samples += set->group[g].n;
    return h;
}

// Where in the block the parts lie.
typedef struct layout {
    int64_t *group; // [groups, 2]
    token_sample *sample;
    unsigned char *ids;
    size_t bytes;
} layout;

static layout lay_out(const shared_head *h, size_t groups, void *block)
{
    char *at = block;
    const size_t of_groups = 2 * groups * sizeof(int64_t);
    const size_t of_samples = h->samples * sizeof(token_sample);
    return (layout){block, (void *)(at + of_groups), (void *)(at + of_groups + of_samples),
                    of_groups + of_samples + h->store.n};
}

static void give(const token_set *set, const layout *l)
{
    token_sample *at = l->sample;
    for (size_t g = 0; g < set->groups; g++) {
        const token_group *from = &set->group[g];
        l->group[2 * g] = (int64_t)from->n;
        l->group[2 * g + 1] = from->rows;
        if (from->n)
            memcpy(at, from->at, from->n * sizeof *at);
        at += from->n;
    }
    token_store_copy(set->store, l->ids);
}

// Lets the set read what lies in the block instead of memory of its own.
static status take(token_set *set, const shared_head *h, const layout *l)
{
    token_sample *at = l->sample;
    status st = token_store_borrow(set->store, &h->store, l->ids);
    for (size_t g = 0; g < set->groups && st == OK; g++) {
        token_group *to = &set->group[g];
        free(to->at);
        *to = (token_group){at, (size_t)l->group[2 * g], 0, l->group[2 * g + 1]};
        at += to->n;
    }
    set->candidates = h->candidates;
    set->shortened = h->shortened;
    memcpy(set->candidate, h->candidate, sizeof set->candidate);
    return st;
}

status token_set_share(share *s, status made, token_set *set)
{
    status st;
    void *head = NULL;
    bool first = s->rank == 0;
    TRY(s->vote(s, made));
    TRY(s->alloc(s, sizeof(shared_head), &head));
    if (first)
        *(shared_head *)head = head_of(set);
    TRY(s->vote(s, OK));
    shared_head h = *(shared_head *)head;
    layout l = lay_out(&h, set->groups, NULL);
    TRY(s->alloc(s, l.bytes, &set->block));
    set->share = s;
    l = lay_out(&h, set->groups, set->block);
    if (first)
        give(set, &l);
    TRY(s->vote(s, OK));
    TRY(s->vote(s, take(set, &h, &l)));
done:
    if (head)
        s->release(s, head);
    return st;
}
