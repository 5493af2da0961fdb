// SPDX-License-Identifier: Apache-2.0
// The measures t, lape, auc and contribution against SciPy and NumPy
// (tests/reference/make_measures.py), from the same activations; each with a fault that the comparison finds.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "stages/collect/histogram.h"
#include "stages/score/rank_auc.h"
#include "stages/score/score_measure.h"

enum { SUBSETS = 3, NEURONS = 6, MOST = 60 };

static struct {
    double tokens[SUBSETS], t[SUBSETS][NEURONS], auc[SUBSETS][NEURONS], lape[SUBSETS][NEURONS];
    double norm[NEURONS], contribution[SUBSETS][NEURONS];
    float x[SUBSETS][MOST * NEURONS];
} expected;

static void read_numbers(FILE *f, const char *word, int n, double *out)
{
    char found[32];
    assert_int_equal(fscanf(f, "%31s", found), 1);
    assert_string_equal(found, word);
    for (int i = 0; i < n; i++)
        assert_int_equal(fscanf(f, "%lf", &out[i]), 1);
}

static int read_fixture(void **state)
{
    (void)state;
    double number[MOST * NEURONS];
    FILE *f = fopen("tests/reference/measures.txt", "r");
    assert_non_null(f);
    read_numbers(f, "shape", 2, number);
    assert_true(number[0] == SUBSETS && number[1] == NEURONS);
    read_numbers(f, "tokens", SUBSETS, expected.tokens);
    for (int s = 0; s < SUBSETS; s++) {
        const int n = (int)expected.tokens[s] * NEURONS;
        assert_true(n <= MOST * NEURONS);
        read_numbers(f, "x", n, number);
        for (int i = 0; i < n; i++)
            expected.x[s][i] = (float)number[i];
    }
    for (int s = 0; s < SUBSETS; s++) {
        read_numbers(f, "t", NEURONS, expected.t[s]);
        read_numbers(f, "auc", NEURONS, expected.auc[s]);
        read_numbers(f, "lape", NEURONS, expected.lape[s]);
    }
    read_numbers(f, "norm", NEURONS, expected.norm);
    for (int s = 0; s < SUBSETS; s++)
        read_numbers(f, "contribution", NEURONS, expected.contribution[s]);
    fclose(f);
    return 0;
}

// The statistics of some subsets' tokens together; `left_out` and `only` are -1 or a subset.
typedef struct statistics {
    double of[STATISTICS][NEURONS];
    neuron_statistics view;
} statistics;

static void gather(int left_out, int only, statistics *out)
{
    *out = (statistics){0};
    for (int s = 0; s < SUBSETS; s++) {
        if (s == left_out || (only >= 0 && s != only))
            continue;
        for (int i = 0; i < (int)expected.tokens[s] * NEURONS; i++) {
            const double x = (double)expected.x[s][i];
            out->of[STATISTIC_MEAN_ABS][i % NEURONS] += fabs(x);
            out->of[STATISTIC_MEAN][i % NEURONS] += x;
            out->of[STATISTIC_MEAN_SQUARE][i % NEURONS] += x * x;
            out->of[STATISTIC_POSITIVE][i % NEURONS] += x > 0;
        }
        out->view.tokens += expected.tokens[s];
    }
    for (int k = 0; k < STATISTICS; k++) {
        out->view.of[k] = out->of[k];
        for (int u = 0; u < NEURONS; u++)
            out->of[k][u] /= out->view.tokens;
    }
}

// How many scores of a measure are not SciPy's; with a fault, the retained hold the forget subset.
static int wrong_scores(const char *name, const double want[SUBSETS][NEURONS], bool fault)
{
    int wrong = 0;
    double share[SUBSETS][NEURONS], sum[NEURONS], entropy[NEURONS], score[NEURONS];
    static statistics own[SUBSETS], rest;
    for (int s = 0; s < SUBSETS; s++) {
        gather(-1, s, &own[s]);
        memcpy(share[s], own[s].of[STATISTIC_POSITIVE], sizeof share[s]);
    }
    score_measure_spread(share[0], SUBSETS - fault, NEURONS, sum, entropy);
    for (int s = 0; s < SUBSETS; s++) {
        gather(fault ? -1 : s, -1, &rest);
        const score_sides sides = {own[s].view, rest.view, {SUBSETS, sum, entropy}, expected.norm};
        score_measure_apply(score_measure_find(name), false, 0, &sides, NEURONS, score);
        for (int u = 0; u < NEURONS; u++)
            wrong += !(fabs(score[u] - want[s][u]) <= 1e-12 * (1 + fabs(want[s][u])));
    }
    return wrong;
}

static void t_is_welchs(void **state)
{
    (void)state;
    assert_int_equal(wrong_scores("t", expected.t, false), 0);
    assert_true(wrong_scores("t", expected.t, true) > SUBSETS * NEURONS / 2);
}

static void lape_is_entropy(void **state)
{
    (void)state;
    assert_int_equal(wrong_scores("lape", expected.lape, false), 0);
    assert_true(wrong_scores("lape", expected.lape, true) > SUBSETS * NEURONS / 2);
}

static void contribution_is_of_norms(void **state)
{
    (void)state;
    assert_int_equal(wrong_scores("contribution", expected.contribution, false), 0);
    assert_true(wrong_scores("contribution", expected.contribution, true) > SUBSETS * NEURONS / 2);
}

static void weights_are_norms(void **state)
{
    (void)state;
    double want[SUBSETS][NEURONS];
    for (int s = 0; s < SUBSETS; s++)
        memcpy(want[s], expected.norm, sizeof expected.norm);
    assert_int_equal(wrong_scores("weights", want, false), 0);
    assert_true(wrong_scores("contribution", want, false) > SUBSETS * NEURONS / 2);
    assert_true(score_measure_needs_norms(score_measure_find("weights")));
    assert_false(score_measure_needs_norms(score_measure_find("abs")));
}

// A neuron's counts of x moved by `shift` bins, over a subset, or over the others.
static void count(int subset, bool others, int u, int shift, double out[HISTOGRAM_BINS])
{
    int64_t bins[NEURONS * HISTOGRAM_BINS] = {0};
    for (int s = 0; s < SUBSETS; s++)
        if ((s == subset) != others)
            histogram_add(expected.x[s], (int64_t)expected.tokens[s], NEURONS, NEURONS, bins);
    for (int b = 0; b < HISTOGRAM_BINS; b++)
        out[(b + shift) % HISTOGRAM_BINS] = (double)bins[u * HISTOGRAM_BINS + b];
}

static int wrong_aucs(int shift)
{
    int wrong = 0;
    double own[HISTOGRAM_BINS], rest[HISTOGRAM_BINS];
    for (int s = 0; s < SUBSETS; s++)
        for (int u = 0; u < NEURONS; u++) {
            count(s, false, u, shift, own);
            count(s, true, u, 0, rest);
            // Half octaves: values of one bin count half.
            wrong += !(fabs(rank_auc(own, rest, HISTOGRAM_BINS) - expected.auc[s][u]) < 0.03);
        }
    return wrong;
}

static void auc_is_that_of_the_tokens(void **state)
{
    (void)state;
    assert_int_equal(wrong_aucs(0), 0);
    assert_true(wrong_aucs(2) > SUBSETS * NEURONS / 2);
}

static void auc_of_few_values_is_exact(void **state)
{
    (void)state;
    const double a[] = {1, 0, 2}, b[] = {2, 1, 1}, none[] = {0, 0, 0};
    // Pairs: 1 of bin 0 against 2 equal; 2 of bin 2 against 3 below and 1 equal.
    assert_true(rank_auc(a, b, 3) == (1 * 1.0 + 2 * 3.5) / 12);
    assert_true(isnan(rank_auc(none, b, 3)) && isnan(rank_auc(a, none, 3)));
}

// By logarithms, where the kernel reads bits.
static int naive_bin(double x)
{
    int m = fabs(x) < 0x1p-10 ? 0 : 1 + (int)floor(2 * log2(fabs(x)) + 20);
    m = m < HISTOGRAM_BINS / 2 ? m : HISTOGRAM_BINS / 2 - 1;
    return x > 0 ? HISTOGRAM_BINS / 2 + m : HISTOGRAM_BINS / 2 - 1 - m;
}

static void bins_are_half_octaves(void **state)
{
    (void)state;
    const float some[] = {
        0,        -0.0f, 0x1p-10f, -0x1p-10f, 0x1p-11f,    1e-40f,           1,
        -1,       2,     0x1p5f,   -0x1p5f,   1e30f,       nextafterf(1, 0), 1.4142f,
        1.41422f, -1.5f, 5.5f,     5.7f,      0x1.fffp-11f};
    for (size_t i = 0; i < sizeof some / sizeof *some; i++) {
        int64_t bins[HISTOGRAM_BINS] = {0};
        histogram_add(&some[i], 1, 1, 1, bins);
        assert_int_equal(bins[naive_bin((double)some[i])], 1);
    }
    for (int m = 0; m < HISTOGRAM_BINS / 2; m++) {
        const double low = histogram_magnitude(m);
        assert_int_equal(naive_bin(low > 0 ? low * (1 + 1e-12) : 1e-30), HISTOGRAM_BINS / 2 + m);
        assert_int_equal(naive_bin(low * (1 - 1e-12)), HISTOGRAM_BINS / 2 + (m ? m - 1 : -1));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(t_is_welchs),
        cmocka_unit_test(lape_is_entropy),
        cmocka_unit_test(contribution_is_of_norms),
        cmocka_unit_test(weights_are_norms),
        cmocka_unit_test(auc_is_that_of_the_tokens),
        cmocka_unit_test(auc_of_few_values_is_exact),
        cmocka_unit_test(bins_are_half_octaves),
    };
    return cmocka_run_group_tests(tests, read_fixture, NULL);
}
