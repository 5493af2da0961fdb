// SPDX-License-Identifier: Apache-2.0
// Agreement of clusterings against scikit-learn (tests/reference/make_modularity.py), and its
// permutations against what they must average to.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "stages/intersect/partition_agreement.h"

enum { CASES = 8, MOST = 200, PERMUTATIONS = 2000 };

typedef struct known {
    int32_t a[MOST], b[MOST];
    partition_pair pair;
    double ari, nmi, nmi_chance; // chance is exact: the expected mutual information
} known;

static known all[CASES];

static void read_known(void)
{
    FILE *f = fopen("tests/reference/partitions.txt", "r");
    int cases;
    assert_non_null(f);
    assert_int_equal(fscanf(f, "%d", &cases), 1);
    assert_int_equal(cases, CASES);
    for (int c = 0; c < CASES; c++) {
        known *k = &all[c];
        long n, clusters_a, clusters_b;
        assert_int_equal(fscanf(f, "%ld %ld %ld %lf %lf %lf", &n, &clusters_a, &clusters_b, &k->ari,
                                &k->nmi, &k->nmi_chance),
                         6);
        assert_true(n <= MOST);
        k->pair = (partition_pair){k->a, k->b, n, clusters_a, clusters_b};
        for (long i = 0; i < 2 * n; i++)
            assert_int_equal(fscanf(f, "%d", i < n ? &k->a[i] : &k->b[i - n]), 1);
    }
    fclose(f);
}

static double ari_drawn[PERMUTATIONS], nmi_drawn[PERMUTATIONS];

static void measure(const partition_pair *pair, partition_measure *ari, partition_measure *nmi)
{
    const rng r = rng_new(3, "test");
    *ari = (partition_measure){.drawn = ari_drawn};
    *nmi = (partition_measure){.drawn = nmi_drawn};
    assert_int_equal(partition_agreement(pair, &r, PERMUTATIONS, ari, nmi), OK);
}

// With a fault: a thing is put into another cluster before they are compared.
static int wrong_values(int fault)
{
    int wrong = 0;
    for (int c = 0; c < CASES; c++) {
        partition_measure ari, nmi;
        known k = all[c];
        k.pair.a = k.a;
        k.pair.b = k.b;
        k.b[0] = (int32_t)((k.b[0] + fault) % k.pair.clusters_b);
        measure(&k.pair, &ari, &nmi);
        wrong += !(fabs(ari.value - k.ari) < 1e-9);
        wrong += !(fabs(nmi.value - k.nmi) < 1e-9);
    }
    return wrong;
}

static void values_are_scikit_learns(void **state)
{
    (void)state;
    assert_int_equal(wrong_values(0), 0);
}

static void a_thing_elsewhere_is_caught(void **state)
{
    (void)state;
    assert_true(wrong_values(1) >= 8);
}

static int off(const partition_measure *m, double expected)
{
    return !(fabs(m->mean - expected) <= 5 * m->std / sqrt(PERMUTATIONS) + 1e-9);
}

static void permutations_average_to_chance(void **state)
{
    (void)state;
    int wrong = 0, twin = 0;
    for (int c = 0; c < CASES; c++) {
        partition_measure ari, nmi;
        const partition_pair *p = &all[c].pair;
        measure(p, &ari, &nmi);
        bool trivial = all[c].nmi_chance > 0.999; // labels that no permutation changes
        wrong += off(&ari, trivial ? 1 : 0) + off(&nmi, all[c].nmi_chance);
        twin += !trivial && p->clusters_a > 1 && p->clusters_b > 1 && off(&nmi, 0);
    }
    assert_int_equal(wrong, 0);
    assert_int_equal(twin, 5);
}

static void p_values_count_what_is_reached(void **state)
{
    (void)state;
    for (int c = 0; c < CASES; c++) {
        partition_measure ari, nmi;
        measure(&all[c].pair, &ari, &nmi);
        int64_t ari_reached = 0, nmi_reached = 0;
        for (int t = 0; t < PERMUTATIONS; t++) {
            ari_reached += ari_drawn[t] >= ari.value - 1e-12;
            nmi_reached += nmi_drawn[t] >= nmi.value - 1e-12;
        }
        assert_int_equal(ari.reached, ari_reached);
        assert_int_equal(nmi.reached, nmi_reached);
    }
    partition_measure ari, nmi;
    measure(&all[7].pair, &ari, &nmi); // the same labels: nothing reaches them
    assert_int_equal(ari.reached, 0);
    measure(&all[6].pair, &ari, &nmi); // clusters of one: all do
    assert_int_equal(ari.reached, PERMUTATIONS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_are_scikit_learns),
        cmocka_unit_test(a_thing_elsewhere_is_caught),
        cmocka_unit_test(permutations_average_to_chance),
        cmocka_unit_test(p_values_count_what_is_reached),
    };
    read_known();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
