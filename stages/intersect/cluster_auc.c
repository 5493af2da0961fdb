// SPDX-License-Identifier: Apache-2.0
// The sorted counts of the header are never sorted: how many clusters hold at least t neurons is
// kept while a selection grows by one neuron, so that all sizes of one order cost one walk. Areas
// stay integers until the last division, so that they add over layers and ranks.
#include "stages/intersect/cluster_auc.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/base/checked.h"

// What a selection that grows neuron by neuron holds of each cluster.
typedef struct tally {
    int64_t *count;   // [clusters] selected neurons. Owned
    int64_t *reached; // [n + 1] clusters that hold at least t. Owned
    int64_t highest;  // the largest count
} tally;

static status tally_new(const clustering *c, tally *t)
{
    *t = (tally){checked_calloc((size_t)c->clusters, sizeof *t->count),
                 checked_calloc((size_t)c->n + 1, sizeof *t->reached), 0};
    return t->count && t->reached ? OK : status_no_memory("counts of clusters");
}

static void tally_free(tally *t)
{
    free(t->count);
    free(t->reached);
}

static void tally_clear(tally *t, const clustering *c)
{
    memset(t->count, 0, (size_t)c->clusters * sizeof *t->count);
    memset(t->reached, 0, (size_t)(t->highest + 1) * sizeof *t->reached);
    t->highest = 0;
}

static void tally_add(tally *t, int32_t label)
{
    int64_t count = ++t->count[label];
    t->reached[count]++;
    if (count > t->highest)
        t->highest = count;
}

// Σ_t Σ_{j<m} min(j, r(t)): the inner sum is r(r+1)/2 up to j = r, and r for each j beyond.
static int64_t tally_area(const tally *t, int64_t selected, int64_t clusters)
{
    int64_t m = selected < clusters ? selected : clusters, area = 0;
    for (int64_t level = 1; level <= t->highest; level++) {
        int64_t r = t->reached[level] < m - 1 ? t->reached[level] : m - 1;
        area += r * (r + 1) / 2 + r * (m - 1 - r);
    }
    return area;
}

// The areas of the selections order[0..sizes[j]), into an empty tally.
static void tally_walk(tally *t, const clustering *c, const int64_t *order, const int64_t *sizes,
                       int64_t n_sizes, int64_t *area)
{
    int64_t place = 0;
    for (int64_t j = 0; j < n_sizes; j++) {
        for (; place < sizes[j]; place++)
            tally_add(t, c->label[order[place]]);
        area[j] = tally_area(t, sizes[j], c->clusters);
    }
}

status cluster_auc_areas(const clustering *c, const int64_t *order, const int64_t *sizes,
                         int64_t n_sizes, int64_t *area)
{
    tally t;
    status st = tally_new(c, &t);
    if (st == OK)
        tally_walk(&t, c, order, sizes, n_sizes, area);
    tally_free(&t);
    return st;
}

double cluster_auc(double area, int64_t selected, int64_t clusters)
{
    int64_t m = selected < clusters ? selected : clusters;
    return m > 0 ? area / ((double)selected * (double)m) : NAN;
}

status cluster_auc_areas_random(const clustering *c, const rng *r, int64_t first, int64_t draws,
                                const int64_t *sizes, int64_t n_sizes, int64_t *sum,
                                int64_t *square)
{
    status st = OK;
    tally t;
    int64_t need = n_sizes > 0 ? sizes[n_sizes - 1] : 0;
    int64_t *order = checked_calloc((size_t)c->n, sizeof *order);
    int64_t *area = checked_calloc((size_t)n_sizes, sizeof *area);
    TRY(tally_new(c, &t));
    if (!order || !area)
        TRY(status_no_memory("random selections"));
    for (int64_t draw = first; draw < first + draws; draw++) {
        // A fresh start from the identity: a draw depends on its own position only.
        rng_draw(r, (uint64_t)(draw * c->n), c->n, need, order);
        tally_clear(&t, c);
        tally_walk(&t, c, order, sizes, n_sizes, area);
        for (int64_t j = 0; j < n_sizes; j++) {
            sum[j] += area[j];
            square[j] += area[j] * area[j];
        }
    }
done:
    tally_free(&t);
    free(order);
    free(area);
    return st;
}
