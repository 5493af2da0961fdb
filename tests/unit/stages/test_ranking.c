// SPDX-License-Identifier: Apache-2.0
// Masks made of orders: as many in each site of each layer, whole heads.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <string.h>

#include "pipeline/base/rng.h"
#include "stages/prune/ranking.h"

enum { LAYERS = 3, MLP = 5, ATTN = 4, WIDTH = MLP + ATTN, NEURONS = LAYERS * WIDTH };

static ranking both_sites(int unit)
{
    return (ranking){.layers = LAYERS,
                     .width = {[SITE_MLP] = MLP, [SITE_ATTN] = ATTN},
                     .neurons = NEURONS,
                     .unit = unit};
}

// Neurons of each site of each layer among the first k of an order, counted one by one.
static void count_groups(const int64_t *order, int64_t k, int count[LAYERS][2])
{
    memset(count, 0, LAYERS * sizeof *count);
    for (int64_t i = 0; i < k; i++)
        count[order[i] / WIDTH][order[i] % WIDTH >= MLP]++;
}

static void matched_neurons_are_as_many_in_each_layer(void **state)
{
    (void)state;
    const ranking r = both_sites(1);
    int64_t own[NEURONS], random[NEURONS], matched[NEURONS];
    int want[LAYERS][2], got[LAYERS][2], unmatched = 0;
    for (int seed = 0; seed < 20; seed++) {
        const rng a = rng_new((uint64_t)seed, "own"), b = rng_new((uint64_t)seed, "random");
        rng_permutation(&a, NEURONS, own);
        rng_permutation(&b, NEURONS, random);
        for (int64_t k = 0; k <= NEURONS; k += 3) {
            assert_int_equal(ranking_match(&r, own, k, random, matched), OK);
            count_groups(own, k, want);
            count_groups(matched, k, got);
            assert_memory_equal(want, got, sizeof want);
            count_groups(random, k, got); // the twin: any neurons are not
            unmatched += memcmp(want, got, sizeof want) != 0;
            for (int64_t i = 0; i < k; i++) // they come in the order of `random`, none twice
                for (int64_t j = 0; j < i; j++)
                    assert_int_not_equal(matched[i], matched[j]);
        }
    }
    assert_true(unmatched > 100);
}

static void a_head_is_pruned_whole(void **state)
{
    (void)state;
    ranking r = {.layers = LAYERS, .width = {[SITE_ATTN] = ATTN}, .neurons = 6, .unit = 2};
    const int64_t order[] = {10, 0, 6, 2, 4, 8};
    uint8_t mask[LAYERS][ATTN], *const pruned[SITES] = {[SITE_ATTN] = mask[0]};
    ranking_mask(&r, order, 3, pruned);
    const uint8_t want[LAYERS][ATTN] = {{1, 1, 0, 0}, {0, 0, 1, 1}, {0, 0, 1, 1}};
    assert_memory_equal(mask, want, sizeof want);
}

// What a step takes is the best of what is left, ties to the lower index; and it comes first in an order
// whose rest stays as it was.
static void a_step_takes_of_what_is_left(void **state)
{
    (void)state;
    int64_t neuron[] = {0, 1, 2, 3, 4, 5, 6, 7}, order[] = {7, 6, 5, 4, 3, 2, 1, 0};
    ranking r = {.layers = 2, .width = {[SITE_MLP] = 4}, .neurons = 8, .unit = 1};
    r.neuron = neuron;
    r.order = order;
    r.forgets = 1;
    double score[] = {5, 9, 2, 9, 0, 7, 9, 1};
    int64_t taken[6] = {6, 2};
    assert_int_equal(ranking_scores(&r), 8);
    assert_int_equal(ranking_next(&r, score, taken, 2, 4, taken + 2), OK);
    const int64_t want[] = {6, 2, 1, 3, 5, 0}, then[] = {6, 2, 1, 3, 5, 0, 7, 4};
    assert_memory_equal(taken, want, sizeof want);
    assert_int_equal(ranking_put_first(&r, 0, taken, 3), OK);
    assert_int_equal(ranking_put_first(&r, 0, taken, 6), OK);
    assert_memory_equal(order, then, sizeof then);

    // Heads of two neurons, by the mean of their scores; the twin, by single scores, would take 3.
    int64_t head[] = {0, 2, 4, 6};
    r.neuron = head;
    r.neurons = 4;
    r.unit = 2;
    assert_int_equal(ranking_next(&r, score, head, 1, 2, taken), OK);
    assert_int_equal(taken[0], 2);
    assert_int_equal(taken[1], 6);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(matched_neurons_are_as_many_in_each_layer),
        cmocka_unit_test(a_head_is_pruned_whole),
        cmocka_unit_test(a_step_takes_of_what_is_left),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
