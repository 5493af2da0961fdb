// SPDX-License-Identifier: Apache-2.0
// Tails against whole-number arithmetic and SciPy, corrected p-values against SciPy
// (tests/reference/make_overlap.py).
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <math.h>

#include "overlap_fixture.h"
#include "stages/common/neuron_set.h"
#include "stages/intersect/holm.h"
#include "stages/intersect/hypergeometric.h"

static fixture expected;

static int wrong_tails(long fault)
{
    int wrong = 0;
    for (int i = 0; i < TAILS; i++) {
        double log_p = hypergeometric_log_tail(expected.tail[i].shared + fault, expected.tail[i].a,
                                               expected.tail[i].b, expected.tail[i].n);
        wrong += !(fabs(log_p - expected.tail[i].log_p) < 1e-9);
    }
    return wrong;
}

static void tails_match_exact_ones(void **state)
{
    (void)state;
    assert_int_equal(wrong_tails(0), 0);
}

static void an_overlap_one_too_large_is_caught(void **state)
{
    (void)state;
    assert_true(wrong_tails(1) > TAILS / 2);
}

static void a_tail_is_a_sum_of_probabilities(void **state)
{
    (void)state;
    for (int64_t n = 1; n <= 12; n++)
        for (int64_t a = 0; a <= n; a++)
            for (int64_t b = 0; b <= n; b++) {
                double whole = exp(lgamma((double)n + 1) - lgamma((double)b + 1) -
                                   lgamma((double)(n - b) + 1));
                for (int64_t shared = 0; shared <= n + 1; shared++) {
                    double ways = 0;
                    for (uint64_t set = 0; set < 1ull << n; set++)
                        ways += __builtin_popcountll(set) == b &&
                                __builtin_popcountll(set & ((1ull << a) - 1)) >= shared;
                    double p = exp(hypergeometric_log_tail(shared, a, b, n));
                    assert_true(fabs(p - ways / whole) < 1e-12);
                }
            }
}

static void what_cannot_be_has_no_probability(void **state)
{
    (void)state;
    assert_true(hypergeometric_log_tail(5, 4, 9, 10) == -INFINITY);
    assert_true(hypergeometric_log_tail(0, 0, 0, 10) == 0);
    assert_true(hypergeometric_log_tail(1, 0, 5, 10) == -INFINITY);
}

static int wrong_p_values(int64_t tests)
{
    int wrong = 0;
    for (int j = 1; j < FRACTIONS; j++) { // nothing shared, and so no test, would be the first
        int64_t k = neuron_set_size(expected.fraction[j], NEURONS);
        double log_p[PAIRS + 1] = {0};
        int pair = 0;
        for (int a = 0; a < SUBSETS; a++)
            for (int b = a + 1; b < SUBSETS; b++, pair++) {
                double shared = 0;
                for (int l = 0; l < LAYERS; l++)
                    shared += expected.at[j].shared[l][a][b];
                log_p[pair] = hypergeometric_log_tail((int64_t)shared, k, k, NEURONS);
            }
        log_p[PAIRS] = tests > PAIRS ? 0 : NAN; // no test; or, as a fault, one
        assert_int_equal(holm_correct(log_p, PAIRS + 1), OK);
        for (int i = 0; i < PAIRS; i++)
            wrong += !(fabs(exp(log_p[i]) - expected.at[j].p[i]) <= 1e-9 * expected.at[j].p[i]);
    }
    return wrong;
}

static void corrected_p_values_match_scipy(void **state)
{
    (void)state;
    assert_int_equal(wrong_p_values(PAIRS), 0);
}

static void a_test_too_many_is_caught(void **state)
{
    (void)state;
    assert_true(wrong_p_values(PAIRS + 1) > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tails_match_exact_ones),
        cmocka_unit_test(an_overlap_one_too_large_is_caught),
        cmocka_unit_test(a_tail_is_a_sum_of_probabilities),
        cmocka_unit_test(what_cannot_be_has_no_probability),
        cmocka_unit_test(corrected_p_values_match_scipy),
        cmocka_unit_test(a_test_too_many_is_caught),
    };
    read_fixture(&expected);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
