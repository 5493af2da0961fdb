// SPDX-License-Identifier: Apache-2.0
// igraph has one random generator a process, and an error handler that ends it: so it runs in a
// child, as METIS does, where its memory is gone with it whatever happens.
#include "stages/cluster/leiden.h"

#include <stdlib.h>

#include "pipeline/base/checked.h"

typedef struct leiden_call {
    const cofiring_graph *graph;
    double resolution;
    uint64_t seed;
} leiden_call;

#ifdef SULCUS_IGRAPH

#include <igraph/igraph.h>

#include "pipeline/base/text.h"
#include "pipeline/base/version.h"
#include "pipeline/machine/child.h"

enum { ITERATIONS = 10 };
#define RANDOMNESS 0.01 // of the refinement: the method's authors' choice

typedef struct leiden_result {
    int code; // igraph's
    int32_t label[];
} leiden_result;

// Each edge once, with its weight, and each vertex's sum of weights. Returns the sum of all.
static double fill_vectors(const cofiring_graph *g, igraph_vector_int_t *ends,
                           igraph_vector_t *weights, igraph_vector_t *strengths)
{
    igraph_integer_t at = 0;
    double all = 0;
    for (int32_t i = 0; i < g->vertices; i++)
        for (int32_t e = g->first[i]; e < g->first[i + 1]; e++) {
            VECTOR(*strengths)[i] += g->weight[e];
            all += g->weight[e];
            if (g->neighbour[e] < i)
                continue;
            VECTOR(*ends)[2 * at] = i;
            VECTOR(*ends)[2 * at + 1] = g->neighbour[e];
            VECTOR(*weights)[at++] = g->weight[e];
        }
    return all;
}

static igraph_error_t find_communities(const leiden_call *c, int32_t *label)
{
    const cofiring_graph *g = c->graph;
    igraph_integer_t edges = g->first[g->vertices] / 2;
    igraph_vector_int_t ends, membership;
    igraph_vector_t weights, strengths;
    igraph_t graph;
    IGRAPH_CHECK(igraph_vector_int_init(&ends, 2 * edges));
    IGRAPH_CHECK(igraph_vector_int_init(&membership, 0));
    IGRAPH_CHECK(igraph_vector_init(&weights, edges));
    IGRAPH_CHECK(igraph_vector_init(&strengths, g->vertices));
    double all = fill_vectors(g, &ends, &weights, &strengths);
    IGRAPH_CHECK(igraph_create(&graph, &ends, g->vertices, IGRAPH_UNDIRECTED));
    IGRAPH_CHECK(igraph_rng_seed(igraph_rng_default(), c->seed));
    IGRAPH_CHECK(igraph_community_leiden(&graph, &weights, &strengths, c->resolution / all,
                                         RANDOMNESS, false, ITERATIONS, &membership, NULL, NULL));
    for (int32_t i = 0; i < g->vertices; i++)
        label[i] = (int32_t)VECTOR(membership)[i];
    return IGRAPH_SUCCESS;
}

static void call_leiden(const void *context, void *shared)
{
    leiden_result *out = shared;
    igraph_set_error_handler(igraph_error_handler_ignore);
    out->code = (int)find_communities(context, out->label);
}

static status run_leiden(const leiden_call *call, int32_t *label)
{
    status st;
    const cofiring_graph *g = call->graph;
    const size_t bytes = sizeof(leiden_result) + (size_t)g->vertices * sizeof *label;
    leiden_result *result = checked_aligned(bytes, 1);
    if (!result)
        return status_no_memory("igraph");
    TRY(child_run(call_leiden, call, bytes, result));
    if (result->code == IGRAPH_ENOMEM)
        TRY(status_no_memory("igraph"));
    if (result->code != IGRAPH_SUCCESS)
        TRY(status_fail(ERR_INTERNAL, NULL, "igraph found no communities of %d neurons: %s",
                        g->vertices, igraph_strerror((igraph_error_t)result->code)));
    for (int32_t i = 0; i < g->vertices; i++)
        label[i] = result->label[i];
done:
    free(result);
    return st;
}

static void add_igraph_version(text *found)
{
    const char *version;
    igraph_version(&version, NULL, NULL, NULL);
    text_add(found, version);
}

const version_def library_igraph = {"igraph", add_igraph_version};

bool leiden_present(void)
{
    return true;
}

#else

static status run_leiden(const leiden_call *call, int32_t *label)
{
    (void)call, (void)label;
    return status_fail(ERR_USAGE, NULL,
                       "communities need igraph, which this program was built without "
                       "(libigraph-dev)");
}

bool leiden_present(void)
{
    return false;
}

#endif

double leiden_bytes(double edges)
{
    return 73 * edges; // as igraph 0.10 was seen to
}

status leiden_communities(const cofiring_graph *g, double resolution, uint64_t seed, int32_t *label,
                          int32_t *communities)
{
    const leiden_call call = {g, resolution, seed};
    status st = OK;
    int32_t *name = checked_calloc((size_t)g->vertices, sizeof *name); // 1 + the new one
    if (!name)
        return status_no_memory("communities");
    for (int32_t i = 0; i < g->vertices; i++)
        label[i] = i;
    if (g->first[g->vertices] > 0)
        TRY(run_leiden(&call, label));
    *communities = 0;
    for (int32_t i = 0; i < g->vertices; i++) { // igraph's own numbers are not to be relied on
        if (name[label[i]] == 0)
            name[label[i]] = ++*communities;
        label[i] = name[label[i]] - 1;
    }
done:
    free(name);
    return st;
}
