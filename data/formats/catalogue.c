// SPDX-License-Identifier: Apache-2.0
// Indexing text means reading all of it, so a node's first rank does it for all. What is shared is
// what the others must agree on, subsets and counts; the format's own state stays with the first
// rank, which alone hands documents over.
#include "data/formats/catalogue.h"

#include <stdlib.h>
#include <string.h>

#include "data/bytes/byte_stream.h"
#include "pipeline/base/checked.h"

void catalogue_free(catalogue *c, void (*close)(format_state *state))
{
    if (c->state)
        close(c->state);
    free(c->group);
    free(c->label);
    free(c->count);
    bad_records_free(&c->bad);
    text_free(&c->notes);
    name_list_free(&c->group_names);
    name_list_free(&c->label_names);
    *c = (catalogue){0};
}

void catalogue_note_padding(catalogue *c, const char *path, bool padded)
{
    if (padded)
        byte_stream_note_padding(path, &c->notes);
}

// What lies in shared memory: this, and behind the counts the groups' names, each with its NUL.
typedef struct shared_catalogue {
    int64_t samples, ignored, skipped;
    uint64_t groups;
    int64_t count[]; // [groups]: documents
} shared_catalogue;

static size_t count_block_bytes(const catalogue *c)
{
    size_t bytes = sizeof(shared_catalogue) + c->group_names.n * sizeof *c->count;
    for (size_t g = 0; g < c->group_names.n; g++)
        bytes += strlen(c->group_names.at[g]) + 1;
    return bytes;
}

static void fill_block(const catalogue *c, shared_catalogue *to)
{
    *to = (shared_catalogue){c->samples, c->ignored, (int64_t)c->bad.said.n, c->group_names.n};
    memcpy(to->count, c->count, to->groups * sizeof *to->count);
    char *name = (char *)(to->count + to->groups);
    for (size_t g = 0; g < to->groups; g++)
        name = stpcpy(name, c->group_names.at[g]) + 1;
}

static status read_block(const shared_catalogue *from, catalogue *c)
{
    status st = OK;
    const char *name = (const char *)(from->count + from->groups);
    c->samples = from->samples;
    c->ignored = from->ignored;
    c->skipped = from->skipped;
    if (!(c->count = checked_calloc(from->groups, sizeof *c->count)))
        return status_no_memory("a dataset");
    memcpy(c->count, from->count, from->groups * sizeof *c->count);
    for (uint64_t g = 0; g < from->groups; g++, name += strlen(name) + 1)
        TRY(name_list_add(&c->group_names, name, strlen(name)));
done:
    return st;
}

status catalogue_share(share *s, status found, catalogue *c)
{
    status st;
    void *block = NULL;
    const bool first = s->rank == 0;
    TRY(s->vote(s, found));
    TRY(share_alloc_as_first(s, first ? count_block_bytes(c) : 0, &block));
    if (first)
        fill_block(c, block);
    TRY(s->vote(s, OK));
    TRY(s->vote(s, first ? OK : read_block(block, c)));
done:
    if (block)
        s->release(s, block);
    return st;
}
