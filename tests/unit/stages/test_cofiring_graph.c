// SPDX-License-Identifier: Apache-2.0
// Oracle: counts taken token by token, and a naive percentile.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "pipeline/base/rng.h"
#include "stages/cluster/balanced_assignment.h"
#include "stages/cluster/cofiring_graph.h"

enum { N = 96, TOKENS = 203, BYTES = 26, GROUPS = 8 };

// Neurons of a group (i % GROUPS) fire together mostly; `rate` is how often a group is on.
static void make_bits(uint8_t bits[N][BYTES], double rate, double noise)
{
    rng on = rng_new(1, "on"), flip = rng_new(1, "flip");
    memset(bits, 0, N * BYTES);
    for (int t = 0; t < TOKENS; t++)
        for (int i = 0; i < N; i++) {
            int fires = rng_uniform(&on, (uint64_t)(t * GROUPS + i % GROUPS)) < rate;
            if (rng_uniform(&flip, (uint64_t)(t * N + i)) < noise)
                fires = !fires;
            bits[i][t / 8] |= (uint8_t)(fires << t % 8);
        }
}

static int naive_count(uint8_t bits[N][BYTES], int i, int j)
{
    int count = 0;
    for (int t = 0; t < TOKENS; t++)
        count += (bits[i][t / 8] >> t % 8 & 1) && (bits[j][t / 8] >> t % 8 & 1);
    return count;
}

static int ascending(const void *a, const void *b)
{
    return *(const int *)a - *(const int *)b;
}

static int naive_threshold(uint8_t bits[N][BYTES])
{
    static int counts[N * N];
    int pairs = 0;
    for (int i = 0; i < N; i++)
        for (int j = i + 1; j < N; j++)
            counts[pairs++] = naive_count(bits, i, j);
    qsort(counts, (size_t)pairs, sizeof *counts, ascending);
    for (int q = 10; q < 100; q += 10) {
        int value = counts[(q * pairs + 99) / 100 - 1];
        if (value > 0)
            return value;
    }
    return 1;
}

static int graph_is_right(const cofiring_graph *g, uint8_t bits[N][BYTES])
{
    if (g->vertices != N || g->threshold != naive_threshold(bits) || g->first[0] != 0)
        return 0;
    for (int i = 0; i < N; i++) {
        int e = g->first[i];
        for (int j = 0; j < N; j++) {
            int weight = i == j ? 0 : naive_count(bits, i, j) / g->threshold;
            if (weight &&
                (e >= g->first[i + 1] || g->neighbour[e] != j || g->weight[e++] != weight))
                return 0;
        }
        if (e != g->first[i + 1])
            return 0;
    }
    return 1;
}

static void edges_are_the_common_firings(void **state)
{
    (void)state;
    static const double rates[][2] = {{0.3, 0.05}, {0.02, 0.001}, {0.5, 0.5}, {0.004, 0}};
    uint8_t bits[N][BYTES];
    pool *p;
    assert_int_equal(pool_new(2, &p), OK);
    for (int c = 0; c < 4; c++) {
        cofiring_graph *one, *two;
        make_bits(bits, rates[c][0], rates[c][1]);
        assert_int_equal(cofiring_graph_new(bits[0], N, BYTES, NULL, &one), OK);
        assert_int_equal(cofiring_graph_new(bits[0], N, BYTES, p, &two), OK);
        assert_true(graph_is_right(one, bits));
        assert_true(graph_is_right(two, bits));
        cofiring_graph_free(two);
        cofiring_graph_free(one);
    }
    make_bits(bits, 0.3, 0.05);
    cofiring_graph *g;
    assert_int_equal(cofiring_graph_new(bits[0], N, BYTES, NULL, &g), OK);
    g->weight[17]++; // the twin
    assert_false(graph_is_right(g, bits));
    g->weight[17]--;
    bits[3][5] ^= 0xff;
    assert_false(graph_is_right(g, bits));
    cofiring_graph_free(g);
    pool_free(p);
}

static int sizes_are_equal(const int32_t *label, int k)
{
    int64_t size[N] = {0};
    for (int i = 0; i < N; i++) {
        if (label[i] < 0 || label[i] >= k)
            return 0;
        size[label[i]]++;
    }
    for (int j = 0; j < k; j++)
        if (size[j] != balanced_assignment_size(N, k, j))
            return 0;
    return 1;
}

static void groups_are_found(void **state)
{
    (void)state;
    uint8_t bits[N][BYTES];
    int32_t label[N], again[N], other[N];
    cofiring_graph *g;
    make_bits(bits, 0.1, 0.01);
    assert_int_equal(cofiring_graph_new(bits[0], N, BYTES, NULL, &g), OK);
    assert_int_equal(cofiring_graph_partition(g, GROUPS, 7, label), OK);
    assert_true(sizes_are_equal(label, GROUPS));
    for (int i = 0; i < N; i++)
        assert_int_equal(label[i], label[i % GROUPS]);
    rand(); // whatever the process drew before
    assert_int_equal(cofiring_graph_partition(g, GROUPS, 7, again), OK);
    assert_memory_equal(label, again, sizeof label);
    for (int i = 0; i < N; i++) // the twin: runs of indices cut more
        other[i] = i * GROUPS / N;
    assert_true(cofiring_graph_cut(g, label) < cofiring_graph_cut(g, other));
    cofiring_graph_free(g);
}

static void every_number_of_parts_is_cut_equally(void **state)
{
    (void)state;
    static const int parts[] = {1, 2, 5, 7, 31, 48, 95, 96};
    static const double rates[][2] = {{0.3, 0.05}, {0, 0}, {1, 0}, {0.004, 0}, {0.3, 0.4}};
    uint8_t bits[N][BYTES];
    int32_t label[N];
    for (int c = 0; c < 5; c++) {
        cofiring_graph *g;
        make_bits(bits, rates[c][0], rates[c][1]);
        assert_int_equal(cofiring_graph_new(bits[0], N, BYTES, NULL, &g), OK);
        for (int p = 0; p < 8; p++) {
            assert_int_equal(cofiring_graph_partition(g, parts[p], 0, label), OK);
            assert_true(sizes_are_equal(label, parts[p]));
        }
        cofiring_graph_free(g);
    }
    cofiring_graph_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(edges_are_the_common_firings),
        cmocka_unit_test(groups_are_found),
        cmocka_unit_test(every_number_of_parts_is_cut_equally),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
