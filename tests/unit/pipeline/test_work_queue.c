// SPDX-License-Identifier: Apache-2.0
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "pipeline/schedule/work_queue.h"

enum { MOST_RANKS = 12, MOST_UNITS = 40 };

static bool next_unit(work_queue *c, int64_t *unit)
{
    int64_t n;
    const bool any = work_queue_next(c, unit, &n);
    if (any)
        assert_int_equal(n, 1);
    return any;
}

// Costs of three kinds, as a running sum.
static void make_costs(int kind, int64_t n, int64_t *before)
{
    before[0] = 0;
    for (int64_t i = 0; i < n; i++) {
        int64_t cost = kind == 0 ? 1 : kind == 1 ? 1 + i % 50 : (i == n / 2 ? WORK_QUEUE_COST : 1);
        before[i + 1] = before[i] + cost;
    }
}

static void cuts_are_whole_and_fair(void **state)
{
    (void)state;
    int64_t before[MOST_UNITS + 1];
    for (int kind = 0; kind < 3; kind++)
        for (int64_t n = 0; n <= MOST_UNITS; n++)
            for (int ranks = 1; ranks <= MOST_RANKS; ranks++) {
                make_costs(kind, n, before);
                assert_int_equal(work_queue_cut(before, n, 0, ranks), 0);
                assert_int_equal(work_queue_cut(before, n, ranks, ranks), n);
                for (int r = 0; r < ranks; r++) {
                    int64_t first = work_queue_cut(before, n, r, ranks);
                    int64_t end = work_queue_cut(before, n, r + 1, ranks), largest = 0;
                    assert_true(first <= end);
                    for (int64_t i = 0; i < n; i++)
                        if (before[i + 1] - before[i] > largest)
                            largest = before[i + 1] - before[i];
                    double fair = (double)before[n] / ranks;
                    double cost = (double)(before[end] - before[first]);
                    assert_true(cost <= fair + (double)largest + 1e-9);
                    assert_true(cost >= fair - (double)largest - 1e-9);
                }
            }
}

// The ranks of every node, in every order, until nothing is left: each unit once.
static void every_unit_is_claimed_once(void **state)
{
    (void)state;
    int64_t before[MOST_UNITS + 1], unit;
    for (int kind = 0; kind < 3; kind++)
        for (int ranks = 1; ranks <= MOST_RANKS; ranks++)
            for (int nodes = 1; nodes <= ranks && nodes <= 3; nodes++) {
                int taken[MOST_UNITS] = {0};
                make_costs(kind, MOST_UNITS, before);
                for (int node = 0; node < nodes; node++) {
                    int first = ranks * node / nodes, end = ranks * (node + 1) / nodes;
                    int m = end - first;
                    work_queue *c[MOST_RANKS];
                    void *block = aligned_alloc(64, work_queue_bytes(m));
                    memset(block, 0, work_queue_bytes(m));
                    for (int r = 0; r < m; r++)
                        assert_int_equal(work_queue_new(block, r, m, first + r, ranks, before,
                                                        MOST_UNITS, &c[r]),
                                         0);
                    // One rank takes as much as the others together, so that it must help them.
                    for (int r = 0, turn = 0, empty = 0; empty < m; turn++) {
                        r = turn % 2 ? 0 : turn / 2 % m;
                        if (next_unit(c[r], &unit)) {
                            empty = 0;
                            assert_in_range(unit, work_queue_cut(before, MOST_UNITS, first, ranks),
                                            work_queue_cut(before, MOST_UNITS, end, ranks) - 1);
                            taken[unit]++;
                        } else {
                            empty++;
                        }
                    }
                    for (int r = 0; r < m; r++)
                        work_queue_free(c[r]);
                    free(block);
                }
                for (int i = 0; i < MOST_UNITS; i++)
                    assert_int_equal(taken[i], 1);
            }
}

static void own_share_first_then_the_back_of_the_richest(void **state)
{
    (void)state;
    int64_t before[13], unit;
    make_costs(0, 12, before);
    void *block = aligned_alloc(64, work_queue_bytes(3));
    memset(block, 0, work_queue_bytes(3));
    work_queue *c[3];
    for (int r = 0; r < 3; r++)
        assert_int_equal(work_queue_new(block, r, 3, r, 3, before, 12, &c[r]), 0);
    const int64_t expected[] = {4, 5, 6, 7}; // rank 1's own, from the front
    for (int i = 0; i < 4; i++) {
        assert_true(next_unit(c[1], &unit));
        assert_int_equal(unit, expected[i]);
    }
    assert_true(next_unit(c[0], &unit)); // rank 0 has 3 left now, rank 2 has 4
    assert_int_equal(unit, 0);
    assert_true(next_unit(c[1], &unit));
    assert_int_equal(unit, 11);
    for (int r = 0; r < 3; r++)
        work_queue_free(c[r]);
    free(block);
}

// Units 0, 7, 14 .. begin a run, of at most 5.
static int64_t in_sevens(void *context, int64_t unit)
{
    (void)context;
    return unit % 7 == 0 ? 1 : 5;
}

// From the front of its own share and the back of others', each unit once, within sevens; of what is
// left half at most.
static void units_that_join_are_claimed_in_runs(void **state)
{
    (void)state;
    int64_t before[MOST_UNITS + 1], first, n, taken[MOST_UNITS] = {0}, most = 0;
    make_costs(0, MOST_UNITS, before);
    void *block = aligned_alloc(64, work_queue_bytes(2));
    memset(block, 0, work_queue_bytes(2));
    work_queue *c[2];
    for (int r = 0; r < 2; r++) {
        assert_int_equal(work_queue_new(block, r, 2, r, 2, before, MOST_UNITS, &c[r]), 0);
        work_queue_join(c[r], in_sevens, NULL);
    }
    assert_true(work_queue_next(c[1], &first, &n)); // 20 begins behind 14
    assert_int_equal(first, 20);
    assert_int_equal(n, 1);
    for (int64_t left = MOST_UNITS - 1; work_queue_next(c[0], &first, &n); left -= n) {
        assert_true(2 * n <= left + 1);
        assert_int_equal(first / 7, (first + n - 1) / 7);
        most = n > most ? n : most;
        for (int64_t i = first; i < first + n; i++)
            taken[i]++;
    }
    assert_int_equal(most, 5);
    for (int i = 0; i < MOST_UNITS; i++)
        assert_int_equal(taken[i], i != 20);
    for (int r = 0; r < 2; r++)
        work_queue_free(c[r]);
    free(block);
}

// What is given comes off the back of the share with most left: as much as was asked for, one unit
// at least; what is put can be claimed.
static void units_are_given_and_put(void **state)
{
    (void)state;
    int64_t before[MOST_UNITS + 1], first, end, unit;
    make_costs(1, MOST_UNITS, before); // 1, 2, … 40
    void *block[2];
    work_queue *c[2]; // two nodes of one rank
    for (int node = 0; node < 2; node++) {
        block[node] = aligned_alloc(64, work_queue_bytes(1));
        memset(block[node], 0, work_queue_bytes(1));
        assert_int_equal(work_queue_new(block[node], 0, 1, node, 2, before, MOST_UNITS, &c[node]),
                         0);
    }
    const int64_t cut = work_queue_cut(before, MOST_UNITS, 1, 2);
    assert_int_equal(work_queue_left(c[0]), cut);
    assert_int_equal(work_queue_cost_left(c[0]), before[cut]);
    // Cost 100 is less than the last three units, and more than the last two.
    assert_int_equal(work_queue_give(c[1], 100, &first, &end), 40 + 39);
    assert_int_equal(first, 38);
    assert_int_equal(end, 40);
    assert_int_equal(work_queue_give(c[1], 1, &first, &end), 38); // one at least
    assert_int_equal(first, 37);
    while (next_unit(c[0], &unit))
        continue;
    assert_int_equal(work_queue_give(c[0], 5, &first, &end), 0);
    work_queue_put(c[0], 0, 37, 40);
    assert_int_equal(work_queue_left(c[0]), 3);
    for (int64_t i = 37; i < 40; i++) {
        assert_true(next_unit(c[0], &unit));
        assert_int_equal(unit, i);
    }
    assert_false(next_unit(c[0], &unit));
    assert_int_equal(work_queue_left(c[1]), 37 - cut);
    for (int node = 0; node < 2; node++) {
        work_queue_free(c[node]);
        free(block[node]);
    }
}

enum { RACERS = 3, RACE_UNITS = 20000 };

typedef struct racer {
    work_queue *from, *to; // `to`: this racer's own node, into which it puts what it is given
    atomic_int *taken;     // [RACE_UNITS]
} racer;

static void *race(void *context)
{
    racer *r = context;
    int64_t unit, first, end;
    for (;;) {
        while (next_unit(r->to, &unit))
            atomic_fetch_add(&r->taken[unit], 1);
        if (work_queue_give(r->from, 7, &first, &end) == 0)
            return NULL;
        work_queue_put(r->to, 0, first, end);
    }
}

// A rank takes from the front while others give from the back: each unit once.
static void none_is_lost_in_a_race(void **state)
{
    (void)state;
    static int64_t before[RACE_UNITS + 1];
    static atomic_int taken[RACE_UNITS];
    void *block[RACERS + 1];
    work_queue *c[RACERS + 1];
    racer racers[RACERS];
    pthread_t thread[RACERS];
    int64_t unit;
    make_costs(1, RACE_UNITS, before);
    for (int i = 0; i <= RACERS; i++) { // the first has all units, the others none
        block[i] = aligned_alloc(64, work_queue_bytes(1));
        memset(block[i], 0, work_queue_bytes(1));
        assert_int_equal(work_queue_new(block[i], 0, 1, 0, 1, before, i ? 0 : RACE_UNITS, &c[i]),
                         0);
    }
    for (int i = 0; i < RACERS; i++) {
        racers[i] = (racer){c[0], c[i + 1], taken};
        assert_int_equal(pthread_create(&thread[i], NULL, race, &racers[i]), 0);
    }
    while (next_unit(c[0], &unit))
        atomic_fetch_add(&taken[unit], 1);
    for (int i = 0; i < RACERS; i++)
        pthread_join(thread[i], NULL);
    for (int i = 0; i < RACE_UNITS; i++)
        assert_int_equal(atomic_load(&taken[i]), 1);
    for (int i = 0; i <= RACERS; i++) {
        work_queue_free(c[i]);
        free(block[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cuts_are_whole_and_fair),
        cmocka_unit_test(every_unit_is_claimed_once),
        cmocka_unit_test(own_share_first_then_the_back_of_the_richest),
        cmocka_unit_test(units_that_join_are_claimed_in_runs),
        cmocka_unit_test(units_are_given_and_put),
        cmocka_unit_test(none_is_lost_in_a_race),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
