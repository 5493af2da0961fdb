// SPDX-License-Identifier: Apache-2.0
// A search over made-up accuracies ends where it ends without early ends of probes, and probes end
// early only where the rest cannot matter.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "stages/prune/bisection.h"

enum { NEURONS = 1000, TOTAL = 120 };

// Is answer i right with so many neurons pruned? Ever fewer are; uneven over the samples.
static int is_right(int64_t pruned, int i)
{
    return (i * 37 + 11) % TOTAL >= pruned * TOTAL / 700;
}

// Runs a search with `tiles` tiles of equal size; 1: no probe ends early. Returns answers asked.
static int64_t search(const bisection_goal *goal, int64_t tiles, bisection *b)
{
    int64_t asked = 0;
    bisection_begin(b, goal);
    while (b->outcome == BISECTION_OPEN) {
        const int64_t first = bisection_prefix(tiles, b->step) * TOTAL / tiles;
        const int64_t end = bisection_prefix(tiles, b->step + 1) * TOTAL / tiles;
        int64_t correct = 0;
        for (int64_t i = first; i < end; i++)
            correct += is_right(b->at, (int)i);
        asked += end - first;
        bisection_observe(b, goal, correct, end - first);
    }
    return asked;
}

static void test_early_ends(void **state)
{
    (void)state;
    int64_t whole = 0, early = 0;
    for (int tiles = 2; tiles <= 12; tiles++)
        for (int drop = 5; drop < 100; drop += 5) {
            const bisection_goal goal = {NEURONS, TOTAL, TOTAL, drop / 100.0, 0.02};
            bisection plain, own;
            whole += search(&goal, 1, &plain);
            early += search(&goal, tiles, &own);
            assert_int_equal(own.at, plain.at);
            assert_int_equal(own.outcome, plain.outcome);
            assert_int_equal(own.probes, plain.probes);
            if (own.outcome == BISECTION_REACHED && own.probes > 0)
                assert_int_equal(own.seen, TOTAL); // what reached the goal was finished
            for (int p = 0; p < own.probes; p++)
                assert_true(own.probe[p].pruned == plain.probe[p].pruned &&
                            (own.probe[p].seen == TOTAL || tiles > 2));
        }
    assert_true(early < whole); // the twin of the above: some did end early
}

static void test_prefixes(void **state)
{
    (void)state;
    const struct {
        int64_t tiles, end[3];
    } cases[] = {{1, {1, 1, 1}}, {2, {2, 2, 2}}, {3, {2, 3, 3}},
                 {7, {4, 7, 7}}, {8, {2, 4, 8}}, {9, {3, 5, 9}}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_int_equal(bisection_prefix(cases[i].tiles, 0), 0);
        for (int step = 0; step < 3; step++)
            assert_int_equal(bisection_prefix(cases[i].tiles, step + 1), cases[i].end[step]);
    }
}

// What is ahead of a search: at first all halvings to a hundredth, one fewer with each probe, never
// none while it is open, however long it lasts, and none then.
static void test_ahead(void **state)
{
    (void)state;
    // All at once is forgotten: no number of neurons meets the drop.
    const bisection_goal goal = {NEURONS, TOTAL, TOTAL, 0.5, 0.01};
    bisection b;
    bisection_begin(&b, &goal);
    int64_t before = bisection_ahead(&b, NEURONS), probes = 0;
    assert_int_equal(before, 7);
    for (; b.outcome == BISECTION_OPEN; probes++) {
        const int64_t now = bisection_ahead(&b, NEURONS);
        assert_true(now >= 1 && (probes == 0 || now == (before > 1 ? before - 1 : 1)));
        before = now;
        bisection_observe(&b, &goal, b.at > 300 ? 0 : TOTAL, TOTAL);
    }
    assert_int_equal(b.outcome, BISECTION_NARROW);
    assert_true(probes > 7);
    assert_int_equal(bisection_ahead(&b, NEURONS), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_early_ends),
                                       cmocka_unit_test(test_prefixes),
                                       cmocka_unit_test(test_ahead)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
