// SPDX-License-Identifier: Apache-2.0
// The jackknife's errors of means, which are known otherwise, and Student's quantiles, against NumPy
// and SciPy (tests/reference/make_folds.py).
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "stages/common/jackknife.h"

enum { FOLDS_MOST = 25, VALUES = 5 };

static void read_numbers(FILE *f, const char *word, double *out, int n)
{
    char found[16];
    assert_int_equal(fscanf(f, "%15s", found), 1);
    assert_string_equal(found, word);
    for (int i = 0; i < n; i++)
        assert_int_equal(fscanf(f, "%lf", out + i), 1);
}

// The largest relative fault over the fixture; `shift` moves the number of folds, for the twin.
static double find_worst(int shift)
{
    double worst = 0;
    FILE *f = fopen("tests/reference/folds.txt", "r");
    assert_non_null(f);
    for (int block = 0; block < 6; block++) {
        double head[2], without[FOLDS_MOST * VALUES], error[VALUES], reach;
        read_numbers(f, "folds", head, 2);
        const int n = (int)head[0];
        assert_in_range(n, 2, FOLDS_MOST);
        assert_int_equal((int)head[1], VALUES);
        read_numbers(f, "without", without, n * VALUES);
        read_numbers(f, "error", error, VALUES);
        read_numbers(f, "reach", &reach, 1);
        worst = fmax(worst, fabs(jackknife_reach(n + shift) / reach - 1));
        for (int i = 0; i < VALUES && n - shift > 1; i++)
            worst =
                fmax(worst, fabs(jackknife_error(without + i, n - shift, VALUES) / error[i] - 1));
    }
    fclose(f);
    return worst;
}

static void test_against_fixture(void **state)
{
    (void)state;
    assert_true(find_worst(0) < 1e-12);
    assert_true(find_worst(1) > 1e-3); // the twin: a fold too few
}

static void test_unknown(void **state)
{
    (void)state;
    const double value[] = {1, NAN, 2}, same[] = {3, 3, 3};
    assert_true(isnan(jackknife_error(value, 3, 1)));
    assert_true(jackknife_error(same, 3, 1) == 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_against_fixture),
                                       cmocka_unit_test(test_unknown)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
