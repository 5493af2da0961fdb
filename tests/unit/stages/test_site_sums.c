// SPDX-License-Identifier: Apache-2.0
// Sums of blocks that have some rows of a tile, as those of a sparse model's experts: against plain
// loops over a matrix in which the other rows have nothing. And the orders that follow from NaN.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <math.h>
#include <string.h>

#include "pipeline/base/rng.h"
#include "stages/collect/histogram.h"
#include "stages/collect/site_sums.h"
#include "stages/common/neuron_set.h"
#include "stages/prune/ranking.h"

enum { LAYERS = 2, EXPERTS = 3, D = 70, WIDTH = EXPERTS * D, ROWS = 40, STEP = 64 };
enum { FIRST_BIT = FIRING_BITS - 7 }; // rows of a tile are sampled beyond a word's end

// A layer's activations of a tile: a row has those of some experts.
typedef struct routed {
    float x[ROWS][WIDTH];
    bool to[ROWS][EXPERTS];
} routed;

static void draw(routed *r)
{
    const rng random = rng_new(5, "routed");
    for (int row = 0; row < ROWS; row++)
        for (int u = 0; u < WIDTH; u++) {
            const int e = u / D;
            r->to[row][e] = e < 2 && rng_u64(&random, (uint64_t)(row * 7 + e)) % 3 == 0;
            r->x[row][u] = (float)rng_normal(&random, (uint64_t)(1000 + row * WIDTH + u));
        }
}

// Adds layer 1 block by block, as a model shows it; with `fault` an expert's rows are
// said to be the next ones.
static void add_blocks(const routed *r, site_sums *s, const sampled_rows *sampled, bool fault)
{
    static float x[ROWS][STEP];
    int32_t row[ROWS];
    block_sums *scratch;
    assert_int_equal(block_sums_new(WIDTH, &scratch), OK);
    for (int e = 0; e < EXPERTS; e++)
        for (int first = e * D; first < (e + 1) * D; first += STEP) {
            const int n = first + STEP < (e + 1) * D ? STEP : (e + 1) * D - first;
            int rows = 0;
            for (int i = 0; i < ROWS; i++)
                if (r->to[i][e]) {
                    memcpy(x[rows], r->x[i] + first, (size_t)n * sizeof(float));
                    row[rows++] = i;
                }
            if (rows == 0)
                continue;
            for (int i = 0; i < rows; i++)
                row[i] += fault && e == 1;
            const site_block b = {SITE_MLP, 1, first, n, rows, x[0], STEP, row};
            assert_int_equal(site_sums_add(s, scratch, &b, sampled, "test"), OK);
        }
    block_sums_free(scratch);
}

// What differs from plain loops.
static int wrong_sums(bool fault)
{
    static routed r;
    int64_t sampled[ROWS / 2];
    int wrong = 0;
    draw(&r);
    for (int i = 0; i < ROWS / 2; i++)
        sampled[i] = 100 + 2 * i + 1; // every other row of a tile that begins at row 100
    const sampled_rows rows = {sampled, ROWS / 2, FIRST_BIT, 100};
    const site_shape shape = {LAYERS, WIDTH, EXPERTS, HISTOGRAM_BINS, 2};
    site_sums *s = NULL;
    for (int time = 0; time < 2; time++) { // what a unit leaves is cleared for the next
        assert_int_equal(site_sums_begin(&shape, &s), OK);
        add_blocks(&r, s, &rows, fault);
    }
    for (int u = 0; u < WIDTH; u++) {
        double sum = 0;
        int64_t positive = 0, bits[2] = {0}, counted = 0;
        const int64_t at = WIDTH + u;
        for (int i = 0; i < ROWS; i++) {
            const bool there = r.to[i][u / D], fires = there && r.x[i][u] > 0;
            sum += there ? (double)r.x[i][u] : 0;
            positive += fires;
            if (fires && i % 2) {
                const int bit = FIRST_BIT + i / 2;
                bits[bit / FIRING_BITS] |= (int64_t)1 << bit % FIRING_BITS;
            }
        }
        for (int b = 0; b < HISTOGRAM_BINS; b++)
            counted += site_sums_histogram(s)[at * HISTOGRAM_BINS + b];
        wrong += fabs(fixed_to(site_sums_sum(s, MOMENT_VALUE)[at]) - sum) > 1e-5;
        wrong += site_sums_positive(s)[at] != positive;
        wrong += memcmp(site_sums_firing(s) + 2 * at, bits, sizeof bits) != 0;
        wrong += counted != site_sums_routed(s)[EXPERTS + u / D];
        wrong += site_sums_positive(s)[u] != 0; // of the other layer
    }
    for (int e = 0; e < EXPERTS; e++) {
        int64_t there = 0;
        for (int i = 0; i < ROWS; i++)
            there += r.to[i][e];
        wrong += site_sums_routed(s)[EXPERTS + e] != there || site_sums_routed(s)[e] != 0;
        wrong += e < 2 ? there == 0 : there != 0; // the last expert is not reached
    }
    site_sums_free(s);
    return wrong;
}

static void an_experts_rows_are_summed(void **state)
{
    (void)state;
    assert_int_equal(wrong_sums(false), 0);
}

static void another_row_is_caught(void **state)
{
    (void)state;
    assert_true(wrong_sums(true) > 0);
}

// What a model has added up itself is what blocks come to; `fault`: one neuron's counts are another's.
static bool totals_are_blocks(bool fault)
{
    static routed r;
    const int64_t sampled[] = {101, 103, 104, 130};
    const site_shape shape = {LAYERS, WIDTH, EXPERTS, HISTOGRAM_BINS, 1};
    site_sums *s = NULL, *again = NULL;
    draw(&r);
    assert_int_equal(site_sums_begin(&shape, &s), OK);
    assert_int_equal(site_sums_begin(&shape, &again), OK);
    add_blocks(&r, s, &(sampled_rows){sampled, 4, 3, 100}, false);
    for (int e = 0; e < EXPERTS; e++) {
        const int64_t at = WIDTH + e * D;
        site_totals t = {.site = SITE_MLP,
                         .layer = 1,
                         .first_neuron = e * D,
                         .neurons = D,
                         .rows = site_sums_routed(s)[EXPERTS + e],
                         .positive = site_sums_positive(s) + at + fault,
                         .firing = site_sums_firing(s) + at,
                         .histogram = site_sums_histogram(s) + at * HISTOGRAM_BINS};
        t.neurons -= fault;
        for (int m = 0; m < MOMENTS; m++)
            t.sum[m] = site_sums_sum(s, m) + at;
        site_sums_add_totals(again, &t);
    }
    const size_t n = (size_t)LAYERS * WIDTH, c = sizeof(int64_t);
    bool same = true;
    for (int m = 0; m < MOMENTS; m++)
        same &= !memcmp(site_sums_sum(s, m), site_sums_sum(again, m), n * sizeof(fixed));
    same &= !memcmp(site_sums_positive(s), site_sums_positive(again), n * c);
    same &= !memcmp(site_sums_firing(s), site_sums_firing(again), n * c);
    same &= !memcmp(site_sums_histogram(s), site_sums_histogram(again), n * HISTOGRAM_BINS * c);
    same &= !memcmp(site_sums_routed(s), site_sums_routed(again), (size_t)LAYERS * EXPERTS * c);
    site_sums_free(s);
    site_sums_free(again);
    return same;
}

static void a_models_own_sums_are_taken(void **state)
{
    (void)state;
    assert_true(totals_are_blocks(false));
    assert_false(totals_are_blocks(true));
}

static void nan_is_behind_all_numbers(void **state)
{
    (void)state;
    const double score[] = {NAN, 1, -INFINITY, NAN, INFINITY, 1};
    const int64_t want[] = {4, 1, 5, 2, 0, 3};
    int64_t order[6];
    assert_int_equal(neuron_set_order(score, 6, order), OK);
    assert_memory_equal(order, want, sizeof want);
}

// The least specific neurons are those of the end that have a score.
static void what_has_no_score_is_not_the_lowest(void **state)
{
    (void)state;
    int64_t known[] = {6, 4};
    const ranking r = {.neurons = 6, .forgets = 2, .known = known};
    assert_int_equal(ranking_lowest(&r, 0, 2), 4);
    assert_int_equal(ranking_lowest(&r, 1, 2), 2);
    assert_int_equal(ranking_lowest(&r, 1, 5), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_experts_rows_are_summed),
        cmocka_unit_test(another_row_is_caught),
        cmocka_unit_test(a_models_own_sums_are_taken),
        cmocka_unit_test(nan_is_behind_all_numbers),
        cmocka_unit_test(what_has_no_score_is_not_the_lowest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
