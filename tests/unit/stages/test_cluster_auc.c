// SPDX-License-Identifier: Apache-2.0
// The AUC of figure 6 against NumPy, a naive sort, and the chance levels of
// docs/published.md.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <math.h>
#include <stdlib.h>

#include "overlap_fixture.h"
#include "stages/common/neuron_set.h"
#include "stages/intersect/cluster_auc.h"

static fixture expected;

static int wrong_aucs(int fault)
{
    int64_t sizes[FRACTIONS], order[UNITS], area[FRACTIONS];
    int wrong = 0;
    for (int j = 0; j < FRACTIONS; j++)
        sizes[j] = neuron_set_size(expected.fraction[j], UNITS);
    for (int l = 0; l < LAYERS; l++) {
        const clustering c = {expected.label[fault ? 0 : l], UNITS, CLUSTERS};
        for (int s = 0; s < SUBSETS; s++) {
            assert_int_equal(neuron_set_order(expected.score[s] + l * UNITS, UNITS, order), OK);
            assert_int_equal(cluster_auc_areas(&c, order, sizes, FRACTIONS, area), OK);
            for (int j = 0; j < FRACTIONS; j++) {
                double auc = cluster_auc((double)area[j], sizes[j], CLUSTERS);
                double want = expected.at[j].auc[s][l];
                wrong += isnan(want) ? !isnan(auc) : !(fabs(auc - want) < 1e-12);
            }
        }
    }
    return wrong;
}

static void aucs_match_numpy(void **state)
{
    (void)state;
    assert_int_equal(wrong_aucs(0), 0);
}

static void another_layers_clusters_are_caught(void **state)
{
    (void)state;
    assert_true(wrong_aucs(1) > 0);
}

static void all_in_one_cluster_is_the_best(void **state)
{
    (void)state;
    const int32_t label[6] = {0, 0, 0, 1, 1, 1};
    const int64_t order[6] = {0, 1, 2, 3, 4, 5}, sizes[3] = {1, 3, 6};
    const clustering c = {label, 6, 2};
    int64_t area[3];
    assert_int_equal(cluster_auc_areas(&c, order, sizes, 3, area), OK);
    assert_true(cluster_auc((double)area[0], 1, 2) == 0);   // m = 1: only y[0]
    assert_true(cluster_auc((double)area[1], 3, 2) == 0.5); // y = 0, 3, 3: (0 + 3) / (3·2)
    assert_true(cluster_auc((double)area[2], 6, 2) == 0.25);
    assert_true(isnan(cluster_auc(0, 0, 2)));
}

// The largest difference to the published chance levels, with `clusters` of equal size.
static double chance_error(int64_t n, int64_t clusters, const double want[6])
{
    const double fraction[6] = {0.01, 0.02, 0.05, 0.1, 0.2, 0.8};
    enum { DRAWS = 1500 };
    int64_t sizes[6], sum[6] = {0}, square[6] = {0};
    int32_t *label = malloc((size_t)n * sizeof *label);
    double worst = 0;
    for (int64_t i = 0; i < n; i++)
        label[i] = (int32_t)(i * clusters / n);
    for (int j = 0; j < 6; j++)
        sizes[j] = neuron_set_size(fraction[j], n);
    const clustering c = {label, n, clusters};
    rng r = rng_new(1, "chance");
    // Two halves give what the whole would: a draw depends on its position only.
    assert_int_equal(cluster_auc_areas_random(&c, &r, 0, DRAWS / 2, sizes, 6, sum, square), OK);
    assert_int_equal(cluster_auc_areas_random(&c, &r, DRAWS / 2, DRAWS / 2, sizes, 6, sum, square),
                     OK);
    for (int j = 0; j < 6; j++)
        worst =
            fmax(worst, fabs(cluster_auc((double)sum[j] / DRAWS, sizes[j], clusters) - want[j]));
    free(label);
    return worst;
}

static void chance_matches_the_published_simulation(void **state)
{
    (void)state;
    // Published from 300 draws to three decimals: their own error is about 0.0015 at the smallest
    // share.
    assert_true(chance_error(3072, 96, (double[]){.598, .687, .702, .640, .593, .520}) < 0.004);
    assert_true(chance_error(3072, 128, (double[]){.572, .650, .733, .663, .609, .524}) < 0.004);
    assert_true(chance_error(14336, 128, (double[]){.744, .676, .610, .575, .549, .509}) < 0.002);
    assert_true(chance_error(11008, 128, (double[]){.7343, .7003, .6253, .5865, .5561, .5112}) <
                0.002);
}

static void another_number_of_clusters_is_caught(void **state)
{
    (void)state;
    assert_true(chance_error(3072, 128, (double[]){.598, .687, .702, .640, .593, .520}) > 0.02);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(aucs_match_numpy),
        cmocka_unit_test(another_layers_clusters_are_caught),
        cmocka_unit_test(all_in_one_cluster_is_the_best),
        cmocka_unit_test(chance_matches_the_published_simulation),
        cmocka_unit_test(another_number_of_clusters_is_caught),
    };
    read_fixture(&expected);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
