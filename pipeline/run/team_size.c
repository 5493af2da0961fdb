// SPDX-License-Identifier: Apache-2.0
#include "pipeline/run/team_size.h"

// What a resource needs of a node.
static double entry_bytes(const resource_entry *e, int parts, int first, int ranks, int threads)
{
    double bytes = 0;
    for (int i = 0; i < ranks; i++) {
        part_need n = e->def->part(e->object, (first + i) % parts, parts, threads);
        if (i < parts) // later ranks are members that have been counted
            bytes += n.shared;
        bytes += n.own;
    }
    return bytes;
}

double team_size_bytes(const pipeline_file *f, int parts, int first, int ranks, int threads)
{
    double bytes = 0;
    for (size_t i = 0; i < f->n_resources; i++)
        if (f->resources[i].def->part && f->resources[i].object)
            bytes += entry_bytes(&f->resources[i], parts, first, ranks, threads);
    return bytes;
}

double team_size_part(const pipeline_file *f, int parts)
{
    double most = 0;
    for (int member = 0; member < parts; member++) {
        double bytes = 0;
        for (size_t i = 0; i < f->n_resources; i++) {
            const resource_entry *e = &f->resources[i];
            if (!e->def->part || !e->object)
                continue;
            part_need n = e->def->part(e->object, member, parts, 1);
            if (n.most < parts)
                return 0;
            bytes += n.shared;
        }
        most = bytes > most ? bytes : most;
    }
    return most;
}

// Opens what will be used, as far as its sizes.
static status open_light(run *r)
{
    status st = OK;
    for (size_t i = 0; i < r->file->n_resources && st == OK; i++) {
        resource_entry *e = &r->file->resources[i];
        if (e->def->part && r->resource_users[i] > 0)
            st = e->def->open(e->params, r->file->globals, NULL, true, &e->object);
        if (st != OK)
            e->object = NULL;
    }
    return st;
}

static void close_light(run *r)
{
    for (size_t i = 0; i < r->file->n_resources; i++) {
        resource_entry *e = &r->file->resources[i];
        if (e->object)
            e->def->close(e->object);
        e->object = NULL;
    }
}

// The largest team that all models can be shared out to.
static int most_parts(const run *r)
{
    int most = comm_ranks(r->comm);
    for (size_t i = 0; i < r->file->n_resources; i++) {
        const resource_entry *e = &r->file->resources[i];
        if (!e->object)
            continue;
        int parts = e->def->part(e->object, 0, 1, 1).most;
        most = parts < most ? parts : most;
    }
    return most;
}

// The fewest members with which each node has memory enough. Collective.
static status find_size(run *r, int threads, int *n)
{
    status st;
    const int ranks = comm_ranks(r->comm), here = comm_share(r->comm)->ranks;
    const int first = comm_position(r->comm) - comm_share(r->comm)->rank;
    double least = 0;
    *n = 0;
    TRY(comm_agree(r->comm, open_light(r)));
    for (int parts = 1, most = most_parts(r); parts <= most && *n == 0; parts++) {
        if (ranks % parts != 0)
            continue;
        double bytes = team_size_bytes(r->file, parts, first, here, threads);
        if (comm_smallest(r->comm, bytes <= r->memory))
            *n = parts;
        least = (double)comm_largest(r->comm, (int64_t)bytes);
    }
    if (*n == 0)
        st = params_fail(r->file->globals, "layers_over",
                         "the models need %.3g GB of a node however many of the %d ranks share "
                         "their layers, `memory:` allows %.3g; use more nodes",
                         least * 1e-9, ranks, r->memory * 1e-9);
done:
    close_light(r);
    return comm_agree(r->comm, st);
}

status team_size_set(run *r, int threads)
{
    status st = OK;
    const params *g = r->file->globals;
    const int ranks = comm_ranks(r->comm);
    int n;
    if (params_text(g, "layers_over")) { // auto
        TRY(find_size(r, threads, &n));
    } else {
        int64_t given = params_int(g, "layers_over");
        if (ranks % given != 0)
            return params_fail(g, "layers_over",
                               "teams of %lld do not go into %d rank%s; start a multiple of %lld "
                               "ranks, or change `layers_over`",
                               (long long)given, ranks, ranks == 1 ? "" : "s", (long long)given);
        n = (int)given;
    }
    if (n > 1)
        TRY(comm_form_teams(r->comm, n));
    if (n > 1 && comm_rank(r->comm) == 0)
        progress_say(r->progress, "%d team%s of %d ranks share%s the layers of a model", ranks / n,
                     ranks == n ? "" : "s", n, ranks == n ? "s" : "");
done:
    return st;
}
