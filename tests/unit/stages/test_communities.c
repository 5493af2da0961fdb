// SPDX-License-Identifier: Apache-2.0
// Modularity, communities and rewired graphs against python-igraph's on a known graph
// (tests/reference/make_modularity.py).
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "stages/cluster/graph_modularity.h"
#include "stages/cluster/leiden.h"

enum { N = 60, NULLS = 60 };

static struct {
    int32_t weight[N][N];
    int32_t other[N];      // labels that are no communities
    double q, q_finer;     // theirs, at resolutions of 1 and 1.5
    double best;           // the most that Leiden found in 50 tries
    double null, null_std; // the same of random graphs of these degrees, in 3 tries each
} known;

static void read_known(void)
{
    FILE *f = fopen("tests/reference/communities.txt", "r");
    int n, edges;
    assert_non_null(f);
    assert_int_equal(fscanf(f, "%d %d", &n, &edges), 2);
    assert_int_equal(n, N);
    for (int e = 0; e < edges; e++) {
        int i, j, weight;
        assert_int_equal(fscanf(f, "%d %d %d", &i, &j, &weight), 3);
        known.weight[i][j] = known.weight[j][i] = weight;
    }
    for (int i = 0; i < N; i++)
        assert_int_equal(fscanf(f, "%d", &known.other[i]), 1);
    assert_int_equal(fscanf(f, "%lf %lf %lf %lf %lf", &known.q, &known.q_finer, &known.best,
                            &known.null, &known.null_std),
                     5);
    fclose(f);
}

typedef struct arrays {
    cofiring_graph graph;
    int32_t first[N + 1], neighbour[N * N], weight[N * N];
} arrays;

static const cofiring_graph *known_graph(void)
{
    static arrays a;
    int32_t at = 0;
    for (int i = 0; i < N; i++) {
        for (int j = 0; j < N; j++)
            if (known.weight[i][j] > 0) {
                a.neighbour[at] = j;
                a.weight[at++] = known.weight[i][j];
            }
        a.first[i + 1] = at;
    }
    a.graph = (cofiring_graph){N, 1, a.first, a.neighbour, a.weight};
    return &a.graph;
}

static double modularity(const cofiring_graph *g, double resolution, const int32_t *label)
{
    double q = 0;
    assert_int_equal(graph_modularity(g, resolution, label, &q), OK);
    return q;
}

static void modularity_is_igraphs(void **state)
{
    (void)state;
    int32_t label[N];
    memcpy(label, known.other, sizeof label);
    assert_true(fabs(modularity(known_graph(), 1, label) - known.q) < 1e-12);
    assert_true(fabs(modularity(known_graph(), 1.5, label) - known.q_finer) < 1e-12);
    label[5] = (label[5] + 1) % 5; // the twins
    assert_false(fabs(modularity(known_graph(), 1, label) - known.q) < 1e-12);
    assert_false(fabs(modularity(known_graph(), 1.01, known.other) - known.q) < 1e-12);
}

static void a_graph_without_edges_has_none(void **state)
{
    (void)state;
    int32_t first[4] = {0}, label[3] = {0, 1, 2}, communities;
    const cofiring_graph empty = {3, 1, first, NULL, NULL};
    assert_true(isnan(modularity(&empty, 1, label)));
    assert_int_equal(leiden_communities(&empty, 1, 1, label, &communities), OK);
    assert_int_equal(communities, 3);
    rng r = rng_new(1, "empty");
    cofiring_graph *rewired;
    assert_int_equal(graph_rewired(&empty, &r, &rewired), OK);
    assert_int_equal(rewired->first[3], 0);
    cofiring_graph_free(rewired);
}

// Is it a graph of the same degrees, without loops, each edge there twice?
static int is_rewired(const cofiring_graph *g)
{
    for (int i = 0; i < N; i++) {
        int64_t sum = 0;
        for (int e = g->first[i]; e < g->first[i + 1]; e++) {
            int j = g->neighbour[e], back = 0;
            if (j == i || g->weight[e] < 1 || (e > g->first[i] && j <= g->neighbour[e - 1]))
                return 0;
            for (int b = g->first[j]; b < g->first[j + 1]; b++)
                back += g->neighbour[b] == i && g->weight[b] == g->weight[e];
            if (back != 1)
                return 0;
            sum += g->weight[e];
        }
        for (int j = 0; j < N; j++)
            sum -= known.weight[i][j];
        if (sum != 0)
            return 0;
    }
    return 1;
}

static void rewiring_keeps_degrees_and_nothing_else(void **state)
{
    (void)state;
    cofiring_graph *one, *two;
    rng r = rng_new(1, "one"), s = rng_new(1, "two");
    assert_int_equal(graph_rewired(known_graph(), &r, &one), OK);
    assert_int_equal(graph_rewired(known_graph(), &s, &two), OK);
    assert_true(is_rewired(one));
    assert_true(is_rewired(two));
    assert_false(one->first[N] == two->first[N] &&
                 memcmp(one->neighbour, two->neighbour,
                        (size_t)one->first[N] * sizeof *one->neighbour) == 0);
    int32_t group[N];
    for (int i = 0; i < N; i++)
        group[i] = i % 4;
    assert_true(modularity(known_graph(), 1, group) > 0.2);
    assert_true(fabs(modularity(one, 1, group)) < 0.05);
    one->weight[3]++; // the twin
    assert_false(is_rewired(one));
    cofiring_graph_free(one);
    cofiring_graph_free(two);
}

// A star: its middle has half of all ends, and most of them meet each other at first.
static void a_star_stays_a_star(void **state)
{
    (void)state;
    int32_t first[N + 1], neighbour[2 * N], weight[2 * N];
    int32_t at = 0;
    for (int i = 0; i < N; i++) {
        first[i] = at;
        for (int j = i ? 0 : 1; j < (i ? 1 : N); j++) {
            neighbour[at] = j;
            weight[at++] = 1 + (i + j) % 3;
        }
    }
    first[N] = at;
    const cofiring_graph star = {N, 1, first, neighbour, weight};
    cofiring_graph *rewired;
    rng r = rng_new(1, "star");
    assert_int_equal(graph_rewired(&star, &r, &rewired), OK);
    assert_int_equal(rewired->first[N], at);
    assert_memory_equal(rewired->neighbour, neighbour, (size_t)at * sizeof *neighbour);
    assert_memory_equal(rewired->weight, weight, (size_t)at * sizeof *weight);
    cofiring_graph_free(rewired);
}

static void communities_are_as_good_as_igraphs(void **state)
{
    (void)state;
    if (!leiden_present())
        skip();
    int32_t label[N], again[N], communities = 0;
    assert_int_equal(leiden_communities(known_graph(), 1, 7, label, &communities), OK);
    assert_true(modularity(known_graph(), 1, label) > known.best - 0.005);
    assert_int_equal(communities, 4);
    int agree = 0;
    for (int i = 0; i < N; i++)
        agree += label[i] == label[i % 4];
    assert_true(agree > N * 9 / 10);
    assert_int_equal(leiden_communities(known_graph(), 1, 7, again, &communities), OK);
    assert_memory_equal(label, again, sizeof label);
    assert_int_equal(leiden_communities(known_graph(), 4, 7, again, &communities), OK);
    assert_true(communities > 8); // finer ones
}

static void the_null_is_as_modular_as_igraphs(void **state)
{
    (void)state;
    if (!leiden_present())
        skip();
    double mean = 0;
    for (int i = 0; i < NULLS; i++) {
        char name[24];
        snprintf(name, sizeof name, "null %d", i);
        rng r = rng_new(1, name);
        double best = -1;
        int32_t label[N], communities;
        cofiring_graph *rewired;
        assert_int_equal(graph_rewired(known_graph(), &r, &rewired), OK);
        for (uint64_t t = 0; t < 3; t++) {
            assert_int_equal(leiden_communities(rewired, 1, t, label, &communities), OK);
            best = fmax(best, modularity(rewired, 1, label));
        }
        mean += best / NULLS;
        cofiring_graph_free(rewired);
    }
    assert_true(fabs(mean - known.null) < 5 * known.null_std / sqrt(NULLS));
    assert_false(fabs(known.best - known.null) < 5 * known.null_std); // the twin: no null at all
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(modularity_is_igraphs),
        cmocka_unit_test(a_graph_without_edges_has_none),
        cmocka_unit_test(rewiring_keeps_degrees_and_nothing_else),
        cmocka_unit_test(a_star_stays_a_star),
        cmocka_unit_test(communities_are_as_good_as_igraphs),
        cmocka_unit_test(the_null_is_as_modular_as_igraphs),
    };
    read_known();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
