// SPDX-License-Identifier: Apache-2.0
// All pairs of neurons are compared, n^2 / 2 of them, bits in words of 64: a block of neurons meets
// every other one while it is in cache. Counts of pairs are kept, n^2 of 4 bytes, because the
// threshold needs all of them before the first edge is known.
#include "stages/cluster/cofiring_graph.h"

#include <metis.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/base/checked.h"
#include "pipeline/base/simd.h"
#include "pipeline/base/text.h"
#include "pipeline/base/version.h"
#include "pipeline/machine/child.h"
#include "stages/cluster/balanced_assignment.h"

_Static_assert(sizeof(idx_t) == sizeof(int32_t), "METIS with 32-bit indices is expected");

enum { BLOCK = 16 }; // neurons that meet every other one while it is in cache

typedef struct counting {
    const uint64_t *bits; // [n, words]
    int64_t n, words;
    int32_t *count;     // [n, n]
    int64_t *histogram; // [threads, most + 1] pairs by count
    int64_t most;       // a count can be
} counting;

SIMD_CLONES
static int32_t cofiring_graph_common(const uint64_t *a, const uint64_t *b, int64_t words)
{
    int64_t common = 0;
    for (int64_t w = 0; w < words; w++)
        common += __builtin_popcountll(a[w] & b[w]);
    return (int32_t)common;
}

// Counts the pairs (i, j), i < j, of a block's neurons i.
static status count_pairs(void *context, int64_t block, int thread)
{
    const counting *c = context;
    int64_t *histogram = c->histogram + thread * (c->most + 1);
    int64_t begin = block * BLOCK, end = begin + BLOCK < c->n ? begin + BLOCK : c->n;
    for (int64_t j = begin + 1; j < c->n; j++)
        for (int64_t i = begin; i < end && i < j; i++) {
            int32_t both =
                cofiring_graph_common(c->bits + i * c->words, c->bits + j * c->words, c->words);
            c->count[i * c->n + j] = c->count[j * c->n + i] = both;
            histogram[both]++;
        }
    return OK;
}

// The threshold of the header, and how many edge ends it gives. 0 where no percentile's graph fits.
static int32_t choose_threshold(const int64_t *histogram, int64_t most, int64_t *ends)
{
    int64_t pairs = 0, percentile = 0;
    for (int64_t a = 0; a <= most; a++)
        pairs += histogram[a];
    for (int q = 10; q <= 100; q += 10) {
        int64_t below = 0;
        percentile = -1;
        while (below * 100 < (int64_t)q * pairs || percentile < 0)
            below += histogram[++percentile];
        if (q == 100)
            percentile = 1; // all others were zero, or gave graphs that are too large
        else if (percentile == 0)
            continue;
        int64_t weight = 0;
        *ends = 0;
        for (int64_t a = percentile; a <= most; a++) {
            *ends += 2 * histogram[a];
            weight += 2 * histogram[a] * (a / percentile);
        }
        if (*ends < INT32_MAX && weight < INT32_MAX)
            return (int32_t)percentile;
    }
    return 0;
}

static status fill_edges(const counting *c, cofiring_graph *g, int64_t ends)
{
    size_t n = (size_t)c->n;
    g->first = checked_calloc(n + 1, sizeof *g->first);
    g->neighbour = checked_calloc((size_t)ends, sizeof *g->neighbour);
    g->weight = checked_calloc((size_t)ends, sizeof *g->weight);
    if (!g->first || !g->neighbour || !g->weight)
        return status_no_memory("a co-firing graph");
    int32_t at = 0;
    for (int32_t i = 0; i < g->vertices; i++) {
        const int32_t *count = c->count + i * c->n;
        for (int32_t j = 0; j < g->vertices; j++)
            if (j != i && count[j] >= g->threshold) {
                g->neighbour[at] = j;
                g->weight[at++] = count[j] / g->threshold;
            }
        g->first[i + 1] = at;
    }
    return OK;
}

status cofiring_graph_new(const uint8_t *bits, int64_t n, int64_t bytes, pool *p,
                          cofiring_graph **out)
{
    status st = OK;
    counting c = {.n = n, .words = (bytes + 7) / 8, .most = bytes * 8};
    size_t bins = (size_t)c.most + 1, threads = (size_t)pool_threads(p), pairs = 0, words = 0;
    uint64_t *padded = NULL;
    cofiring_graph *g = checked_calloc(1, sizeof *g);
    if (!g || n > INT32_MAX || !checked_mul((size_t)n, (size_t)n, &pairs) ||
        !checked_mul((size_t)n, (size_t)c.words, &words))
        TRY(status_no_memory("co-firing counts"));
    padded = checked_calloc(words, sizeof *padded);
    c.count = checked_calloc(pairs, sizeof *c.count);
    c.histogram = checked_calloc(bins, threads * sizeof *c.histogram);
    if (!padded || !c.count || !c.histogram)
        TRY(status_no_memory("co-firing counts"));
    for (int64_t i = 0; i < n; i++)
        memcpy(padded + i * c.words, bits + i * bytes, (size_t)bytes);
    c.bits = padded;
    TRY(pool_run(p, (n + BLOCK - 1) / BLOCK, count_pairs, &c));
    for (size_t t = 1; t < threads; t++)
        for (size_t a = 0; a < bins; a++)
            c.histogram[a] += c.histogram[t * bins + a];
    int64_t ends = 0;
    g->vertices = (int32_t)n;
    g->threshold = choose_threshold(c.histogram, c.most, &ends);
    if (g->threshold == 0)
        TRY(status_fail(ERR_INPUT, NULL,
                        "the co-firing graph of %lld neurons has too many edges "
                        "for METIS; use method: coactivation",
                        (long long)n));
    TRY(fill_edges(&c, g, ends));
    *out = g;
    g = NULL;
done:
    cofiring_graph_free(g);
    free(padded);
    free(c.count);
    free(c.histogram);
    return st;
}

void cofiring_graph_free(cofiring_graph *g)
{
    if (!g)
        return;
    free(g->first);
    free(g->neighbour);
    free(g->weight);
    free(g);
}

int64_t cofiring_graph_cut(const cofiring_graph *g, const int32_t *label)
{
    int64_t twice = 0;
    for (int32_t i = 0; i < g->vertices; i++)
        for (int32_t e = g->first[i]; e < g->first[i + 1]; e++)
            twice += label[i] != label[g->neighbour[e]] ? g->weight[e] : 0;
    return twice / 2;
}

typedef struct metis_call {
    const cofiring_graph *graph;
    idx_t parts, seed;
} metis_call;

typedef struct metis_result {
    int code; // METIS's
    idx_t label[];
} metis_result;

static void call_metis(const void *context, void *shared)
{
    const metis_call *c = context;
    const cofiring_graph *g = c->graph;
    metis_result *out = shared;
    idx_t vertices = g->vertices, parts = c->parts, constraints = 1, cut, options[METIS_NOPTIONS];
    METIS_SetDefaultOptions(options);
    options[METIS_OPTION_NUMBERING] = 0;
    options[METIS_OPTION_SEED] = c->seed;
    out->code = METIS_PartGraphKway(&vertices, &constraints, g->first, g->neighbour, NULL, NULL,
                                    g->weight, &parts, NULL, NULL, options, &cut, out->label);
}

// METIS has one random generator a process, and puts handlers of its own on ABRT and TERM that only
// the thread inside it survives: so it runs in a child.
static status run_metis(const cofiring_graph *g, idx_t parts, idx_t seed, int32_t *label)
{
    status st;
    const size_t bytes = (size_t)g->vertices * sizeof *label;
    metis_result *result = checked_aligned(sizeof *result + bytes, 1);
    if (!result)
        return status_no_memory("METIS");
    TRY(child_run(call_metis, &(metis_call){g, parts, seed}, sizeof *result + bytes, result));
    if (result->code == METIS_ERROR_MEMORY)
        TRY(status_no_memory("METIS"));
    if (result->code != METIS_OK)
        TRY(status_fail(ERR_INTERNAL, NULL,
                        "METIS could not cut %d neurons into %d parts; use fewer clusters",
                        g->vertices, parts));
    memcpy(label, result->label, bytes);
done:
    free(result);
    return st;
}

// Makes the sizes of METIS's parts exact.
static status balance_parts(const cofiring_graph *g, int k, int32_t *label)
{
    status st = OK;
    int64_t n = g->vertices, largest = 1;
    balanced_assignment *assignment = NULL;
    int32_t *cost = NULL;
    size_t cells = 0;
    int64_t *inner = checked_mul((size_t)n, (size_t)k, &cells)
                         ? checked_calloc(cells, sizeof *inner)
                         : NULL; // weight between a neuron and a part
    if (inner)
        cost = checked_calloc(cells, sizeof *cost);
    if (!inner || !cost)
        TRY(status_no_memory("balancing a partition"));
    for (int64_t i = 0; i < n; i++)
        for (int32_t e = g->first[i]; e < g->first[i + 1]; e++) {
            int64_t *to = &inner[i * k + label[g->neighbour[e]]];
            *to += g->weight[e];
            largest = *to > largest ? *to : largest;
        }
    int shift = 0;
    while (largest >> shift > BALANCED_COST_MAX / 8)
        shift++;
    int32_t move = 4 * (int32_t)(largest >> shift);
    for (int64_t i = 0; i < n; i++)
        for (int j = 0; j < k; j++)
            cost[i * k + j] = -(int32_t)(inner[i * k + j] >> shift) + (j == label[i] ? 0 : move);
    TRY(balanced_assignment_new(n, k, &assignment));
    balanced_assignment_solve(assignment, cost, label);
done:
    balanced_assignment_free(assignment);
    free(cost);
    free(inner);
    return st;
}

status cofiring_graph_partition(const cofiring_graph *g, int k, uint64_t seed, int32_t *label)
{
    const int32_t vertices = g->vertices;
    if (k == 1 || k == vertices || g->first[vertices] == 0) {
        int32_t i = 0;
        for (int j = 0; j < k; j++)
            for (int64_t m = balanced_assignment_size(vertices, k, j); m > 0; m--)
                label[i++] = j;
        return OK;
    }
    status st = run_metis(g, k, (idx_t)(seed % INT32_MAX), label);
    return st == OK ? balance_parts(g, k, label) : st;
}

// The library does not say its version; that of the headers is all there is to tell.
static void add_metis_version(text *found)
{
    text_addf(found, "%d.%d.%d (headers)", METIS_VER_MAJOR, METIS_VER_MINOR, METIS_VER_SUBMINOR);
}

const version_def library_metis = {"METIS", add_metis_version};
