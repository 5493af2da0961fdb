// SPDX-License-Identifier: Apache-2.0
// A table of all pairs of clusters is filled and emptied by one walk over the things each, so that
// a permutation costs the things, not the table: clusterings may have hundreds of clusters of one.
#include "stages/intersect/partition_agreement.h"

#include <math.h>
#include <stdlib.h>

#include "pipeline/base/checked.h"

#define LOG_UNIT 0x1p36 // c·log c as integers of 2^-36: sums do not depend on their order

typedef struct agreeing {
    const partition_pair *p;
    int64_t *cell; // [clusters_a × clusters_b] things in both; zeros between walks. Owned
    int64_t *logs; // [n + 1] c·log c. Owned
    int64_t pairs_a, pairs_b, logs_a, logs_b; // the sums of each one's sizes
} agreeing;

// Σ C(c,2) and Σ c·log c over the cells of two labellings.
static void walk(agreeing *g, const int32_t *a, const int32_t *b, int64_t columns, int64_t *pairs,
                 int64_t *logs)
{
    int64_t n = g->p->n;
    *pairs = *logs = 0;
    for (int64_t i = 0; i < n; i++) {
        int64_t held = g->cell[a[i] * columns + b[i]]++;
        *pairs += held;
        *logs += g->logs[held + 1] - g->logs[held];
    }
    for (int64_t i = 0; i < n; i++)
        g->cell[a[i] * columns + b[i]] = 0;
}

static double ari_of(const agreeing *g, int64_t pairs)
{
    double n = (double)g->p->n, all = n * (n - 1) / 2, a = (double)g->pairs_a,
           b = (double)g->pairs_b;
    double expected = all > 0 ? a * b / all : 0, most = (a + b) / 2;
    return most > expected ? ((double)pairs - expected) / (most - expected) : 1;
}

static double nmi_of(const agreeing *g, int64_t logs)
{
    int64_t whole = g->logs[g->p->n]; // n log n
    int64_t entropies = 2 * whole - g->logs_a - g->logs_b;
    int64_t mutual = logs - g->logs_a - g->logs_b + whole;
    if (entropies <= 0)
        return 1;
    return fmin(1, fmax(0, 2 * (double)mutual / (double)entropies));
}

static status agreeing_new(const partition_pair *p, agreeing *g)
{
    status st = OK;
    size_t cells = 0;
    int32_t *one = checked_calloc((size_t)p->n, sizeof *one); // the labels of a single cluster
    *g = (agreeing){.p = p};
    g->logs = checked_calloc((size_t)p->n + 2, sizeof *g->logs);
    if (checked_mul((size_t)p->clusters_a, (size_t)p->clusters_b, &cells)) {
        size_t most = (size_t)(p->clusters_a > p->clusters_b ? p->clusters_a : p->clusters_b);
        g->cell = checked_calloc(cells > most ? cells : most, sizeof *g->cell);
    }
    if (!one || !g->logs || !g->cell)
        TRY(status_no_memory("agreement of clusters"));
    for (int64_t c = 2; c <= p->n; c++)
        g->logs[c] = llround((double)c * log((double)c) * LOG_UNIT);
    walk(g, p->a, one, 1, &g->pairs_a, &g->logs_a);
    walk(g, p->b, one, 1, &g->pairs_b, &g->logs_b);
done:
    free(one);
    return st;
}

static void summarise(partition_measure *m, int64_t permutations)
{
    double mean = 0, square = 0, n = (double)permutations;
    for (int64_t t = 0; t < permutations; t++)
        mean += m->drawn[t] / n;
    for (int64_t t = 0; t < permutations; t++)
        square += (m->drawn[t] - mean) * (m->drawn[t] - mean) / n;
    m->mean = mean;
    m->std = sqrt(square);
}

status partition_agreement(const partition_pair *p, const rng *r, int64_t permutations,
                           partition_measure *ari, partition_measure *nmi)
{
    status st = OK;
    agreeing g;
    int64_t pairs, logs, drawn_pairs, drawn_logs;
    int32_t *b = checked_calloc((size_t)p->n, sizeof *b);
    TRY(agreeing_new(p, &g));
    if (!b)
        TRY(status_no_memory("permuted labels"));
    walk(&g, p->a, p->b, p->clusters_b, &pairs, &logs);
    ari->value = ari_of(&g, pairs);
    nmi->value = nmi_of(&g, logs);
    ari->reached = nmi->reached = 0;
    for (int64_t t = 0; t < permutations; t++) {
        for (int64_t i = 0; i < p->n; i++) // from the labels as given: t depends on itself alone
            b[i] = p->b[i];
        for (int64_t i = 0; i < p->n; i++) {
            int64_t left = p->n - i;
            int64_t pick = i + (int64_t)rng_below(r, (uint64_t)(t * p->n + i), (uint64_t)left);
            int32_t other = b[i];
            b[i] = b[pick];
            b[pick] = other;
        }
        walk(&g, p->a, b, p->clusters_b, &drawn_pairs, &drawn_logs);
        ari->drawn[t] = ari_of(&g, drawn_pairs);
        nmi->drawn[t] = nmi_of(&g, drawn_logs);
        ari->reached += drawn_pairs >= pairs;
        nmi->reached += drawn_logs >= logs;
    }
    summarise(ari, permutations);
    summarise(nmi, permutations);
done:
    free(g.cell);
    free(g.logs);
    free(b);
    return st;
}
