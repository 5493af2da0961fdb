// SPDX-License-Identifier: Apache-2.0
// Oracles: all assignments tried (tiny problems), and the certificate of the prices (large ones).
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "pipeline/base/checked.h"
#include "pipeline/base/rng.h"
#include "stages/cluster/balanced_assignment.h"

static int64_t total(const int32_t *cost, const int32_t *label, int64_t n, int k)
{
    int64_t sum = 0;
    for (int64_t i = 0; i < n; i++)
        sum += cost[i * k + label[i]];
    return sum;
}

// The lowest total of rows i.. with `left` places in each cluster, by trying everything.
static int64_t brute_force(const int32_t *cost, int64_t i, int64_t n, int k, int64_t *left)
{
    if (i == n)
        return 0;
    int64_t best = INT64_MAX / 2;
    for (int j = 0; j < k; j++)
        if (left[j] > 0) {
            left[j]--;
            int64_t with = cost[i * k + j] + brute_force(cost, i + 1, n, k, left);
            best = with < best ? with : best;
            left[j]++;
        }
    return best;
}

static int sizes_are_equal(const int32_t *label, int64_t n, int k)
{
    int64_t *size = checked_calloc((size_t)k, sizeof *size);
    int equal = 1;
    for (int64_t i = 0; i < n; i++)
        size[label[i]]++;
    for (int j = 0; j < k; j++)
        equal = equal && size[j] == balanced_assignment_size(n, k, j);
    free(size);
    return equal;
}

// No row would rather be elsewhere at these prices: then no assignment with the same sizes costs
// less.
static int is_certified(const int32_t *cost, const int32_t *label, const int64_t *price, int64_t n,
                        int k)
{
    for (int64_t i = 0; i < n; i++)
        for (int j = 0; j < k; j++)
            if (cost[i * k + j] + price[j] < cost[i * k + label[i]] + price[label[i]])
                return 0;
    return 1;
}

static void sizes_differ_by_one_at_most(void **state)
{
    (void)state;
    int64_t sum = 0;
    for (int j = 0; j < 7; j++) {
        assert_in_range(balanced_assignment_size(30, 7, j), 4, 5);
        sum += balanced_assignment_size(30, 7, j);
    }
    assert_int_equal(sum, 30);
    assert_int_equal(balanced_assignment_size(30, 7, 1), 5);
    assert_int_equal(balanced_assignment_size(30, 7, 2), 4);
}

static void tiny_problems_are_solved_exactly(void **state)
{
    (void)state;
    static const struct {
        int64_t n;
        int k;
        uint64_t range; // of costs: few distinct ones make ties
    } shapes[] = {{1, 1, 9}, {2, 2, 3},    {5, 2, 4}, {6, 3, 100},
                  {7, 3, 3}, {8, 4, 1000}, {6, 6, 5}, {9, 3, 1 << 29}};
    int32_t cost[64], label[9];
    int worse_were_seen = 0;
    for (uint64_t round = 0; round < 400; round++) {
        rng r = rng_new(round, "costs");
        int64_t n = shapes[round % 8].n, left[9];
        int k = shapes[round % 8].k;
        for (int64_t c = 0; c < n * k; c++)
            cost[c] = (int32_t)rng_below(&r, (uint64_t)c, 2 * shapes[round % 8].range + 1) -
                      (int32_t)shapes[round % 8].range;
        for (int j = 0; j < k; j++)
            left[j] = balanced_assignment_size(n, k, j);
        balanced_assignment *a;
        assert_int_equal(balanced_assignment_new(n, k, &a), 0);
        memset(label, -1, sizeof label);
        balanced_assignment_solve(a, cost, label);
        assert_true(sizes_are_equal(label, n, k));
        int64_t least = brute_force(cost, 0, n, k, left);
        assert_int_equal(total(cost, label, n, k), least);
        for (int64_t i = 1; i < n;
             i++) { // the twin: one swap of two rows, where it matters, is caught
            int32_t first = label[0];
            label[0] = label[i];
            label[i] = first;
            worse_were_seen += total(cost, label, n, k) > least;
            assert_true(total(cost, label, n, k) >= least);
            label[i] = label[0];
            label[0] = first;
        }
        balanced_assignment_free(a);
    }
    assert_true(worse_were_seen > 100);
}

static int32_t *make_costs(uint64_t seed, int64_t n, int k, double popular)
{
    rng r = rng_new(seed, "large");
    int32_t *cost = malloc((size_t)(n * k) * sizeof *cost);
    for (int64_t c = 0; c < n * k; c++) // most rows want the first clusters
        cost[c] = (int32_t)(1e6 * rng_normal(&r, (uint64_t)c) + popular * (double)(c % k));
    return cost;
}

static void large_problems_are_certified(void **state)
{
    (void)state;
    static const struct {
        int64_t n;
        int k;
        double popular;
    } shapes[] = {{2000, 50, 0}, {2000, 50, 1e5}, {1111, 10, 1e6}, {300, 300, 1e4}, {640, 1, 0}};
    for (uint64_t s = 0; s < 5; s++) {
        int64_t n = shapes[s].n;
        int k = shapes[s].k;
        int32_t *cost = make_costs(s, n, k, shapes[s].popular),
                *label = malloc((size_t)n * sizeof *label);
        memset(label, -1, (size_t)n * sizeof *label);
        balanced_assignment *a;
        assert_int_equal(balanced_assignment_new(n, k, &a), 0);
        balanced_assignment_solve(a, cost, label);
        assert_true(sizes_are_equal(label, n, k));
        assert_true(is_certified(cost, label, balanced_assignment_prices(a), n, k));
        if (k > 1) { // the twin: one row in a wrong cluster, and the certificate fails
            int32_t right = label[0];
            for (label[0] = 0; label[0] == right; label[0]++)
                ;
            cost[label[0]] = BALANCED_COST_MAX;
            assert_false(is_certified(cost, label, balanced_assignment_prices(a), n, k));
        }
        balanced_assignment_free(a);
        free(label);
        free(cost);
    }
}

static void prices_make_the_next_problem_easier(void **state)
{
    (void)state;
    enum { N = 2000, K = 40 };
    int32_t *cost = make_costs(9, N, K, 5e4), label[N];
    rng r = rng_new(1, "drift");
    memset(label, -1, sizeof label);
    balanced_assignment *a;
    assert_int_equal(balanced_assignment_new(N, K, &a), 0);
    balanced_assignment_solve(a, cost, label);
    int64_t cold = balanced_assignment_paths(a), least = total(cost, label, N, K);
    balanced_assignment_solve(a, cost, label);
    assert_int_equal(balanced_assignment_paths(a), 0); // the same problem again
    assert_int_equal(total(cost, label, N, K), least);
    for (int c = 0; c < N * K; c++)
        cost[c] += (int32_t)(1e4 * rng_normal(&r, (uint64_t)c));
    balanced_assignment_solve(a, cost, label);
    assert_true(is_certified(cost, label, balanced_assignment_prices(a), N, K));
    assert_true(balanced_assignment_paths(a) < cold / 4);
    int64_t warm = total(cost, label, N, K);
    balanced_assignment_reset(a);
    memset(label, -1, sizeof label);
    balanced_assignment_solve(a, cost, label);
    assert_int_equal(total(cost, label, N, K), warm);
    balanced_assignment_free(a);
    free(cost);
}

static void equal_rows_are_spread(void **state)
{
    (void)state;
    enum { N = 500, K = 20 };
    int32_t *cost = calloc(N * K, sizeof *cost), label[N];
    memset(label, -1, sizeof label);
    balanced_assignment *a;
    assert_int_equal(balanced_assignment_new(N, K, &a), 0);
    balanced_assignment_solve(a, cost, label);
    assert_true(sizes_are_equal(label, N, K));
    balanced_assignment_free(a);
    free(cost);
}

static void extreme_costs_do_not_overflow(void **state)
{
    (void)state;
    enum { N = 60, K = 12 };
    int32_t cost[N * K], label[N];
    rng r = rng_new(3, "extreme");
    for (int c = 0; c < N * K; c++)
        cost[c] = rng_below(&r, (uint64_t)c, 2) ? BALANCED_COST_MAX : -BALANCED_COST_MAX;
    memset(label, -1, sizeof label);
    balanced_assignment *a;
    assert_int_equal(balanced_assignment_new(N, K, &a), 0);
    balanced_assignment_solve(a, cost, label);
    assert_true(sizes_are_equal(label, N, K));
    assert_true(is_certified(cost, label, balanced_assignment_prices(a), N, K));
    balanced_assignment_free(a);
}

static void impossible_sizes_are_refused(void **state)
{
    (void)state;
    balanced_assignment *a = NULL;
    assert_int_equal(balanced_assignment_new(3, 4, &a), ERR_INTERNAL);
    assert_int_equal(balanced_assignment_new(3, 0, &a), ERR_INTERNAL);
    assert_int_equal(balanced_assignment_new((int64_t)INT32_MAX + 1, 4, &a), ERR_INTERNAL);
    assert_null(a);
    balanced_assignment_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sizes_differ_by_one_at_most),
        cmocka_unit_test(tiny_problems_are_solved_exactly),
        cmocka_unit_test(large_problems_are_certified),
        cmocka_unit_test(prices_make_the_next_problem_easier),
        cmocka_unit_test(equal_rows_are_spread),
        cmocka_unit_test(extreme_costs_do_not_overflow),
        cmocka_unit_test(impossible_sizes_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
