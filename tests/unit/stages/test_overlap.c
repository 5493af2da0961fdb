// SPDX-License-Identifier: Apache-2.0
// Shared neurons and their summary against NumPy (tests/reference/make_overlap.py).
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <math.h>

#include "overlap_fixture.h"
#include "stages/common/neuron_set.h"
#include "stages/intersect/overlap.h"

static fixture expected;

// The first sets of every subset. With `fault` two neighbours of the order swap places across the
// border of a set.
static void find_first(int fault, uint16_t first[SUBSETS][NEURONS])
{
    int64_t sizes[FRACTIONS], order[NEURONS];
    for (int j = 0; j < FRACTIONS; j++)
        sizes[j] = neuron_set_size(expected.fraction[j], NEURONS);
    for (int s = 0; s < SUBSETS; s++) {
        assert_int_equal(neuron_set_order(expected.score[s], NEURONS, order), OK);
        if (fault && s == 1) {
            int64_t kept = order[sizes[3] - 1];
            order[sizes[3] - 1] = order[sizes[3]];
            order[sizes[3]] = kept;
        }
        overlap_first(order, NEURONS, sizes, FRACTIONS, first[s]);
    }
}

static int wrong_counts(int fault)
{
    uint16_t first[SUBSETS][NEURONS];
    int64_t shared[FRACTIONS + 1];
    int wrong = 0;
    find_first(fault, first);
    for (int a = 0; a < SUBSETS; a++)
        for (int b = 0; b < SUBSETS; b++)
            for (int l = 0; l < LAYERS; l++) {
                overlap_count(first[a] + l * UNITS, first[b] + l * UNITS, UNITS, FRACTIONS, shared);
                assert_int_equal(shared[FRACTIONS], UNITS);
                for (int j = 0; j < FRACTIONS; j++)
                    wrong += (double)shared[j] != expected.at[j].shared[l][a][b];
            }
    return wrong;
}

static void shared_neurons_match_numpy(void **state)
{
    (void)state;
    assert_int_equal(wrong_counts(0), 0);
}

static void a_swapped_neighbour_is_caught(void **state)
{
    (void)state;
    assert_true(wrong_counts(1) > 0);
}

static void summaries_match_numpy(void **state)
{
    (void)state;
    for (int j = 0; j < FRACTIONS; j++) {
        double matrix[SUBSETS * SUBSETS] = {0};
        double size = (double)neuron_set_size(expected.fraction[j], NEURONS);
        for (int i = 0; i < SUBSETS * SUBSETS; i++)
            for (int l = 0; l < LAYERS; l++)
                matrix[i] += (&expected.at[j].shared[l][0][0])[i] / size;
        overlap_summary s;
        assert_int_equal(overlap_summarise(matrix, SUBSETS, &s), OK);
        const double got[5] = {s.mean, s.median, s.std, s.min, s.max};
        for (int i = 0; i < 5; i++)
            assert_true(fabs(got[i] - expected.at[j].summary[i]) < 1e-12);
    }
}

static void one_subset_has_no_pairs(void **state)
{
    (void)state;
    overlap_summary s;
    assert_int_equal(overlap_summarise((const double[]){1}, 1, &s), OK);
    assert_true(isnan(s.mean) && isnan(s.median) && isnan(s.std) && isnan(s.min) && isnan(s.max));
}

static void an_empty_set_shares_nothing(void **state)
{
    (void)state;
    const int64_t order[3] = {2, 0, 1}, sizes[3] = {0, 0, 3};
    uint16_t first[3];
    int64_t shared[4];
    overlap_first(order, 3, sizes, 3, first);
    overlap_count(first, first, 3, 3, shared);
    assert_true(shared[0] == 0 && shared[1] == 0 && shared[2] == 3 && shared[3] == 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(shared_neurons_match_numpy),
        cmocka_unit_test(a_swapped_neighbour_is_caught),
        cmocka_unit_test(summaries_match_numpy),
        cmocka_unit_test(one_subset_has_no_pairs),
        cmocka_unit_test(an_empty_set_shares_nothing),
    };
    read_fixture(&expected);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
