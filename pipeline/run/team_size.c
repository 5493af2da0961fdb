// SPDX-License-Identifier: Apache-2.0
// A node may hold several members of several teams: what members of one kind share, it holds once.
#include "pipeline/run/team_size.h"

#include <math.h>

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

// Bytes that a node needs for all that teams of `parts` share out, where the ranks in places
// [first, first + ranks) of the order by nodes sit on it.
static double node_bytes(const pipeline_file *f, int parts, int first, int ranks, int threads)
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

// The largest team that all models can be shared out to.
static int most_parts(const comm *c, const pipeline_file *f)
{
    int most = comm_ranks(c);
    for (size_t i = 0; i < f->n_resources; i++) {
        const resource_entry *e = &f->resources[i];
        if (!e->object)
            continue;
        int parts = e->def->part(e->object, 0, 1, 1).most;
        most = parts < most ? parts : most;
    }
    return most;
}

// The fewest members with which each node has memory enough. Collective.
static status find_size(comm *c, const pipeline_file *f, resource_use *u, double memory,
                        int threads, int *n)
{
    status st;
    const int ranks = comm_ranks(c), here = comm_share(c)->ranks;
    const int first = comm_position(c) - comm_share(c)->rank;
    double least = 0;
    *n = 0;
    TRY(comm_agree(c, resource_use_open_light(u)));
    for (int parts = 1, most = most_parts(c, f); parts <= most && *n == 0; parts++) {
        if (ranks % parts != 0)
            continue;
        double bytes = node_bytes(f, parts, first, here, threads);
        if (comm_smallest(c, bytes <= memory))
            *n = parts;
        least = (double)comm_largest(c, (int64_t)bytes);
    }
    if (*n == 0)
        st = params_fail(f->globals, "layers_over",
                         "the models need %.3g GB of a node however many of the %d ranks share "
                         "their layers, `memory:` allows %.3g; use more nodes",
                         least * 1e-9, ranks, memory * 1e-9);
done:
    resource_use_close_light(u);
    return comm_agree(c, st);
}

// The most of a node that a member alone on it needs; INFINITY where there cannot be so many.
static double member_bytes(const resource_entry *e, int parts, int threads)
{
    double most = 0;
    for (int member = 0; member < parts; member++) {
        part_need n = e->def->part(e->object, member, parts, threads);
        most = n.most < parts ? INFINITY : fmax(most, n.shared + n.own);
    }
    return most;
}

// What a node of so many ranks needs for a resource, and what would make it fit.
static resource_need find_need(comm *c, const resource_entry *e, double memory, int threads,
                               int parts)
{
    enum { PARTS = 256 };
    const int here = comm_share(c)->ranks, first = comm_position(c) - comm_share(c)->rank;
    const int most = e->def->part(e->object, 0, 1, threads).most;
    resource_need n = {0};
    if (most < parts)
        return n; // opening it says so
    n.bytes = entry_bytes(e, parts, first, here, threads);
    for (int ranks = here - 1; ranks > 0 && parts == 1 && n.ranks == 0; ranks--)
        if (entry_bytes(e, 1, 0, ranks, threads) <= memory)
            n.ranks = ranks;
    for (int more = parts + 1; more <= most && more <= PARTS && n.parts == 0; more++)
        if (member_bytes(e, more, threads) <= memory)
            n.parts = more;
    return n;
}

// Tells the run what each resource takes, by the words of the nodes' first ranks. What cannot be
// opened needs nothing: its task will say why. Collective.
static void tell_needs(comm *c, const pipeline_file *f, resource_use *u, double memory, int threads,
                       int parts)
{
    if (comm_share(c)->rank == 0)
        (void)resource_use_open_light(u);
    for (size_t i = 0; i < f->n_resources; i++) {
        const resource_entry *e = &f->resources[i];
        resource_need n = {0};
        if (!e->def->part)
            continue;
        if (e->object)
            n = find_need(c, e, memory, threads, parts);
        double bytes = (double)comm_largest(c, (int64_t)n.bytes);
        n.ranks = comm_smallest(c, comm_share(c)->rank == 0 ? n.ranks : INT64_MAX);
        n.parts = comm_largest(c, n.parts);
        resource_use_tell(u, i, (resource_need){bytes, n.ranks, n.parts});
    }
    resource_use_close_light(u);
}

status team_size_form(comm *c, const pipeline_file *f, resource_use *u, double memory, int threads,
                      int *n)
{
    status st = OK;
    const int ranks = comm_ranks(c);
    if (params_text(f->globals, "layers_over")) { // auto
        TRY(find_size(c, f, u, memory, threads, n));
    } else {
        int64_t given = params_int(f->globals, "layers_over");
        if (ranks % given != 0)
            return params_fail(f->globals, "layers_over",
                               "teams of %lld do not go into %d rank%s; start a multiple of %lld "
                               "ranks, or change `layers_over`",
                               (long long)given, ranks, ranks == 1 ? "" : "s", (long long)given);
        *n = (int)given;
    }
    if (*n > 1)
        TRY(comm_form_teams(c, *n));
    tell_needs(c, f, u, memory, threads, *n);
done:
    return st;
}
