// SPDX-License-Identifier: Apache-2.0
// The weights of a co-firing graph are whole numbers, which makes it a graph of many simple edges:
// so its null needs no rule of its own for weights, and keeps every degree as it is. Joining all
// ends anew mixes completely, in one pass; swaps of two edges at a time would take ten times as
// many, and hardly move in a graph as dense as this.
#include "stages/cluster/graph_modularity.h"

#include <math.h>
#include <stdlib.h>

#include "pipeline/base/checked.h"

#define MAX_ENDS ((int64_t)1 << 30)

status graph_modularity(const cofiring_graph *g, double resolution, const int32_t *label, double *q)
{
    size_t n = (size_t)g->vertices;
    int64_t all = 0, *in = checked_calloc(n, sizeof *in), *of = checked_calloc(n, sizeof *of);
    status st = OK;
    if (!in || !of)
        TRY(status_no_memory("modularity"));
    for (int32_t i = 0; i < g->vertices; i++)
        for (int32_t e = g->first[i]; e < g->first[i + 1]; e++) {
            all += g->weight[e];
            of[label[i]] += g->weight[e];
            in[label[i]] += label[i] == label[g->neighbour[e]] ? g->weight[e] : 0;
        }
    *q = all > 0 ? 0 : NAN;
    for (size_t c = 0; c < n; c++) {
        double share = (double)of[c] / (double)all;
        if (of[c] > 0)
            *q += (double)in[c] / (double)all - resolution * share * share;
    }
done:
    free(in);
    free(of);
    return st;
}

// Joins ends 2k and 2k + 1: a random order, then no vertex to itself. A vertex never has more than
// half of the ends, so that there is always an edge without it.
static void join_ends(const rng *r, int64_t ends, int32_t *end)
{
    for (int64_t i = ends - 1; i > 0; i--) {
        int64_t pick = (int64_t)rng_below(r, (uint64_t)i, (uint64_t)i + 1);
        int32_t other = end[i];
        end[i] = end[pick];
        end[pick] = other;
    }
    int64_t edges = ends / 2;
    for (int64_t k = 0; k < edges; k++) {
        int32_t a = end[2 * k];
        if (a != end[2 * k + 1])
            continue;
        int64_t m = (int64_t)rng_below(r, (uint64_t)(ends + k), (uint64_t)edges);
        while (end[2 * m] == a || end[2 * m + 1] == a)
            m = m + 1 < edges ? m + 1 : 0;
        end[2 * k + 1] = end[2 * m + 1];
        end[2 * m + 1] = a;
    }
}

// Each vertex's partners, in runs: partner[at[i]..at[i + 1]).
static void sort_partners(const int32_t *end, int64_t ends, int64_t *at, int32_t n,
                          int32_t *partner)
{
    for (int64_t k = 0; k < ends; k++)
        partner[at[end[k]]++] = end[k ^ 1];
    for (int32_t i = n; i > 0; i--) // each place has moved on to the next vertex's
        at[i] = at[i - 1];
    at[0] = 0;
}

// From runs of partners to edges with weights, ascending. `count` is n zeros.
static status fill_graph(const int64_t *at, const int32_t *partner, int32_t *count,
                         cofiring_graph *g)
{
    int64_t ends = 0;
    for (int32_t i = 0; i < g->vertices; i++) {
        for (int64_t k = at[i]; k < at[i + 1]; k++)
            ends += count[partner[k]]++ == 0;
        for (int64_t k = at[i]; k < at[i + 1]; k++)
            count[partner[k]] = 0;
    }
    g->first = checked_calloc((size_t)g->vertices + 1, sizeof *g->first);
    g->neighbour = checked_calloc((size_t)ends, sizeof *g->neighbour);
    g->weight = checked_calloc((size_t)ends, sizeof *g->weight);
    if (!g->first || !g->neighbour || !g->weight)
        return status_no_memory("a rewired graph");
    int32_t e = 0;
    for (int32_t i = 0; i < g->vertices; i++) {
        for (int64_t k = at[i]; k < at[i + 1]; k++)
            count[partner[k]]++;
        for (int32_t j = 0; j < g->vertices; j++)
            if (count[j] > 0) {
                g->neighbour[e] = j;
                g->weight[e++] = count[j];
                count[j] = 0;
            }
        g->first[i + 1] = e;
    }
    return OK;
}

status graph_rewired(const cofiring_graph *g, const rng *r, cofiring_graph **out)
{
    status st = OK;
    const size_t n = (size_t)g->vertices;
    int64_t ends = 0, *at = checked_calloc(n + 1, sizeof *at);
    int32_t *end = NULL, *partner = NULL, *count = checked_calloc(n, sizeof *count);
    cofiring_graph *made = checked_calloc(1, sizeof *made);
    for (int32_t e = 0; e < g->first[g->vertices]; e++)
        ends += g->weight[e];
    if (ends > MAX_ENDS)
        TRY(status_fail(ERR_INPUT, NULL,
                        "the co-firing graph has %lld ends of edges, too many to rewire; give "
                        "`nulls: 0`, or collect a smaller `firing`",
                        (long long)ends));
    end = checked_calloc((size_t)ends, sizeof *end);
    partner = checked_calloc((size_t)ends, sizeof *partner);
    if (!at || !end || !partner || !count || !made)
        TRY(status_no_memory("a rewired graph"));
    ends = 0;
    for (int32_t i = 0; i < g->vertices; i++) {
        at[i] = ends;
        for (int32_t e = g->first[i]; e < g->first[i + 1]; e++)
            for (int32_t w = 0; w < g->weight[e]; w++)
                end[ends++] = i;
    }
    at[n] = ends;
    join_ends(r, ends, end);
    sort_partners(end, ends, at, g->vertices, partner);
    made->vertices = g->vertices;
    made->threshold = g->threshold;
    TRY(fill_graph(at, partner, count, made));
    *out = made;
    made = NULL;
done:
    cofiring_graph_free(made);
    free(at);
    free(end);
    free(partner);
    free(count);
    return st;
}
