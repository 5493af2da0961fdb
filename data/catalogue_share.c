// SPDX-License-Identifier: Apache-2.0
#include <string.h>

#include "dataset_private.h"
#include "pipeline/base/checked.h"

// What lies in shared memory: this, the documents of each group, and the groups' names, each with
// its NUL.
typedef struct shared_head {
    int64_t samples, ignored;
    uint64_t groups, name_bytes;
} shared_head;

static shared_head head_of(const catalogue *c)
{
    shared_head h = {c->samples, c->ignored, c->group_names.n, 0};
    for (size_t g = 0; g < c->group_names.n; g++)
        h.name_bytes += strlen(c->group_names.at[g]) + 1;
    return h;
}

static void give(const catalogue *c, char *body)
{
    memcpy(body, c->count, c->group_names.n * sizeof *c->count);
    body += c->group_names.n * sizeof *c->count;
    for (size_t g = 0; g < c->group_names.n; g++) {
        size_t n = strlen(c->group_names.at[g]) + 1;
        memcpy(body, c->group_names.at[g], n);
        body += n;
    }
}

static status take(const shared_head *h, const char *body, catalogue *c)
{
    status st = OK;
    const size_t counts = h->groups * sizeof *c->count;
    c->samples = h->samples;
    c->ignored = h->ignored;
    if (!(c->count = checked_calloc(h->groups, sizeof *c->count)))
        return status_no_memory("a dataset");
    memcpy(c->count, body, counts);
    body += counts;
    for (uint64_t g = 0; g < h->groups; g++) {
        TRY(name_list_add(&c->group_names, body, strlen(body)));
        body += strlen(body) + 1;
    }
done:
    return st;
}

status catalogue_share(share *s, status found, catalogue *c)
{
    status st;
    void *head = NULL, *body = NULL;
    bool first = s->rank == 0;
    TRY(s->vote(s, found));
    TRY(s->alloc(s, sizeof(shared_head), &head));
    if (first)
        *(shared_head *)head = head_of(c);
    TRY(s->vote(s, OK));
    shared_head h = *(shared_head *)head;
    TRY(s->alloc(s, h.groups * sizeof *c->count + h.name_bytes, &body));
    if (first)
        give(c, body);
    TRY(s->vote(s, OK));
    TRY(s->vote(s, first ? OK : take(&h, body, c)));
done:
    if (body)
        s->release(s, body);
    if (head)
        s->release(s, head);
    return st;
}
