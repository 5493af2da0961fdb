// SPDX-License-Identifier: Apache-2.0
// Ranks and Spearman's correlation against SciPy (tests/reference/make_measures.py), with many
// ties.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "stages/common/neuron_set.h"
#include "stages/intersect/rank_correlation.h"

enum { RANKED = 50 };

static double score[2][RANKED], want[2][RANKED], correlation;

static void read_values(FILE *f, int n, double *out)
{
    for (int i = 0; i < n; i++)
        assert_int_equal(fscanf(f, "%lf", &out[i]), 1);
}

// Passes over what other tests read.
static int read_fixture(void **state)
{
    (void)state;
    char word[64] = "";
    FILE *f = fopen("tests/reference/measures.txt", "r");
    assert_non_null(f);
    while (strcmp(word, "scores") != 0)
        assert_int_equal(fscanf(f, "%63s", word), 1);
    for (int i = 0; i < 2; i++)
        read_values(f, RANKED, score[i]);
    assert_int_equal(fscanf(f, "%63s", word), 1);
    for (int i = 0; i < 2; i++)
        read_values(f, RANKED, want[i]);
    assert_int_equal(fscanf(f, "%63s", word), 1);
    read_values(f, 1, &correlation);
    fclose(f);
    return 0;
}

static void rank(int which, double *out)
{
    int64_t order[RANKED];
    assert_int_equal(neuron_set_order(score[which], RANKED, order), OK);
    rank_of_order(score[which], order, RANKED, out);
}

static void ties_share_their_mean_rank(void **state)
{
    (void)state;
    double got[2][RANKED];
    for (int i = 0; i < 2; i++) {
        rank(i, got[i]);
        assert_memory_equal(got[i], want[i], sizeof got[i]);
    }
    assert_true(fabs(rank_correlation(got[0], got[1], RANKED) - correlation) < 1e-14);
    got[0][7] += 5; // the twin
    assert_false(fabs(rank_correlation(got[0], got[1], RANKED) - correlation) < 1e-6);
}

static void equal_scores_have_no_correlation(void **state)
{
    (void)state;
    double flat[RANKED], got[2][RANKED];
    int64_t order[RANKED];
    for (int i = 0; i < RANKED; i++)
        flat[i] = 3;
    assert_int_equal(neuron_set_order(flat, RANKED, order), OK);
    rank_of_order(flat, order, RANKED, got[0]);
    rank(1, got[1]);
    assert_true(isnan(rank_correlation(got[0], got[1], RANKED)));
    score[0][3] = NAN;
    rank(0, got[0]);
    assert_true(isnan(got[0][3]));
    assert_true(isnan(rank_correlation(got[0], got[1], RANKED)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ties_share_their_mean_rank),
        cmocka_unit_test(equal_scores_have_no_correlation),
    };
    return cmocka_run_group_tests(tests, read_fixture, NULL);
}
