// SPDX-License-Identifier: Apache-2.0
// Oracle: what k-means-constrained reaches on the example ViT (tests/reference/make_kmeans.py).
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "model/files/weight_source.h"
#include "model/kernels/blas_check.h"
#include "pipeline/base/checked.h"
#include "pipeline/base/rng.h"
#include "stages/cluster/balanced_assignment.h"
#include "stages/cluster/balanced_kmeans.h"
#include "stages/cluster/neuron_rows.h"

static balanced_kmeans_options options_of(uint64_t seed, int start)
{
    char name[32];
    snprintf(name, sizeof name, "start=%d", start);
    return (balanced_kmeans_options){
        .random = rng_new(seed, name), .iterations = 300, .tolerance = 1e-4};
}

// The best of `starts` starts; label may be NULL.
static double cluster(const float *rows, int64_t n, int64_t width, int k, int starts, pool *p,
                      int32_t *label)
{
    balanced_kmeans *km;
    int32_t *mine = malloc((size_t)n * sizeof *mine);
    double best = INFINITY;
    assert_int_equal(balanced_kmeans_new(n, width, k, p, &km), OK);
    for (int s = 0; s < starts; s++) {
        balanced_kmeans_options o = options_of(0, s);
        double inertia;
        assert_int_equal(balanced_kmeans_run(km, rows, &o, mine, NULL), OK);
        assert_int_equal(neuron_rows_inertia(rows, n, width, k, mine, &inertia), OK);
        if (inertia < best) {
            best = inertia;
            if (label)
                memcpy(label, mine, (size_t)n * sizeof *label);
        }
    }
    balanced_kmeans_free(km);
    free(mine);
    return best;
}

static void assert_sizes(const int32_t *label, int64_t n, int k)
{
    int64_t *size = checked_calloc((size_t)k, sizeof *size);
    for (int64_t i = 0; i < n; i++) {
        assert_in_range(label[i], 0, k - 1);
        size[label[i]]++;
    }
    for (int j = 0; j < k; j++)
        assert_int_equal(size[j], balanced_assignment_size(n, k, j));
    free(size);
}

static float *random_rows(int64_t n, int64_t width)
{
    rng r = rng_new(5, "rows");
    float *rows = malloc((size_t)(n * width) * sizeof *rows);
    for (int64_t c = 0; c < n * width; c++)
        rows[c] = (float)rng_normal(&r, (uint64_t)c);
    return rows;
}

static void rows_become_unit_rows_about_their_mean(void **state)
{
    (void)state;
    float rows[] = {3, 4, 0, 0, 0, -2, 1e20f, 0};
    assert_int_equal(neuron_rows_prepare(rows, 4, 2), OK);
    const double expected[] = {0.6, 0.8, 0, 0, 0, -1, 1, 0};
    for (int i = 0; i < 8; i++) {
        double mean = i % 2 ? -0.05 : 0.4;
        assert_true(fabs(rows[i] - (expected[i] - mean)) < 1e-6);
    }
    float bad[] = {1, 2, NAN, 4};
    assert_int_equal(neuron_rows_prepare(bad, 2, 2), ERR_NUMERIC);
    assert_non_null(strstr(status_text(), "row 1"));
}

static void inertia_is_about_the_means(void **state)
{
    (void)state;
    const float rows[] = {0, 0, 2, 0, 10, 1, 10, 5};
    const int32_t label[] = {0, 0, 1, 1};
    double inertia;
    assert_int_equal(neuron_rows_inertia(rows, 4, 2, 2, label, &inertia), OK);
    assert_true(fabs(inertia - (1 + 1 + 4 + 4)) < 1e-12);
}

static void separate_groups_are_found(void **state)
{
    (void)state;
    enum { N = 120, WIDTH = 16, K = 6 };
    float *rows = random_rows(N, WIDTH);
    for (int i = 0; i < N; i++)
        for (int c = 0; c < WIDTH; c++)
            rows[i * WIDTH + c] = 0.05f * rows[i * WIDTH + c] + (c == i % K ? 1 : 0);
    int32_t label[N];
    neuron_rows_prepare(rows, N, WIDTH);
    cluster(rows, N, WIDTH, K, 3, NULL, label);
    for (int i = 0; i < N; i++)
        assert_int_equal(label[i], label[i % K]);
    assert_sizes(label, N, K);
    free(rows);
}

static void threads_do_not_change_a_bit(void **state)
{
    (void)state;
    enum { N = 1500, WIDTH = 40, K = 37 };
    float *rows = random_rows(N, WIDTH);
    int32_t one[N], two[N], again[N];
    pool *p;
    assert_int_equal(pool_new(3, &p), OK);
    neuron_rows_prepare(rows, N, WIDTH);
    double a = cluster(rows, N, WIDTH, K, 2, NULL, one), b = cluster(rows, N, WIDTH, K, 2, p, two);
    cluster(rows, N, WIDTH, K, 2, NULL, again);
    assert_memory_equal(one, two, sizeof one);
    assert_memory_equal(one, again, sizeof one);
    assert_true(a == b);
    assert_sizes(one, N, K);
    balanced_kmeans *km; // another seed is another start
    balanced_kmeans_options o = options_of(1, 0);
    assert_int_equal(balanced_kmeans_new(N, WIDTH, K, p, &km), OK);
    assert_int_equal(balanced_kmeans_run(km, rows, &o, two, NULL), OK);
    assert_memory_not_equal(one, two, sizeof one);
    balanced_kmeans_free(km);
    pool_free(p);
    free(rows);
}

static void odd_rows_are_clustered_too(void **state)
{
    (void)state;
    enum { N = 64, WIDTH = 8 };
    static const int clusters[] = {1, 2, 7, 63, 64};
    for (int kind = 0; kind < 4;
         kind++) { // all zero, all the same, duplicates and zeros, one odd among zeros
        float *rows = random_rows(N, WIDTH);
        for (int i = 0; i < N; i++)
            for (int c = 0; c < WIDTH; c++) {
                float *x = &rows[i * WIDTH + c];
                *x = kind == 0   ? 0
                     : kind == 1 ? 1
                     : kind == 2 ? (i % 3 ? rows[i % 3 * WIDTH + c] : 0)
                                 : i == 9;
            }
        assert_int_equal(neuron_rows_prepare(rows, N, WIDTH), OK);
        for (int k = 0; k < 5; k++) {
            int32_t label[N];
            double inertia = cluster(rows, N, WIDTH, clusters[k], 2, NULL, label);
            assert_sizes(label, N, clusters[k]);
            assert_true(isfinite(inertia) && inertia >= 0);
            assert_true(clusters[k] < N || inertia < 1e-9);
        }
        free(rows);
    }
}

static void impossible_cluster_counts_are_refused(void **state)
{
    (void)state;
    balanced_kmeans *km = NULL;
    assert_int_equal(balanced_kmeans_new(10, 4, 11, NULL, &km), ERR_USAGE);
    assert_string_equal(status_text(), "11 clusters of 10 rows; ask for 1 to 10");
    assert_int_equal(balanced_kmeans_new(10, 4, 0, NULL, &km), ERR_USAGE);
    assert_null(km);
    balanced_kmeans_free(NULL);
}

static bool asked_twice(const void *context)
{
    int *asked = (int *)(uintptr_t)context;
    return ++*asked == 2;
}

static void it_stops_between_iterations(void **state)
{
    (void)state;
    enum { N = 200, WIDTH = 12 };
    float *rows = random_rows(N, WIDTH);
    int32_t label[N];
    int asked = 0;
    balanced_kmeans *km;
    balanced_kmeans_options o = options_of(0, 0);
    o.stopping = asked_twice;
    o.context = &asked;
    neuron_rows_prepare(rows, N, WIDTH);
    assert_int_equal(balanced_kmeans_new(N, WIDTH, 10, NULL, &km), OK);
    assert_int_equal(balanced_kmeans_run(km, rows, &o, label, NULL), ERR_INTERRUPTED);
    assert_int_equal(asked, 2);
    o.stopping = NULL;
    o.iterations = 1;
    int iterations;
    assert_int_equal(balanced_kmeans_run(km, rows, &o, label, &iterations), OK);
    assert_int_equal(iterations, 1);
    balanced_kmeans_free(km);
    free(rows);
}

// A step's assignment is the best one for its centres: so more iterations never cost more.
static void inertia_falls(void **state)
{
    (void)state;
    enum { N = 600, WIDTH = 6, K = 20 };
    float *rows = random_rows(N, WIDTH);
    int32_t label[N];
    balanced_kmeans *km;
    double before = INFINITY;
    neuron_rows_prepare(rows, N, WIDTH);
    assert_int_equal(balanced_kmeans_new(N, WIDTH, K, NULL, &km), OK);
    for (int i = 1; i < 20; i++) {
        balanced_kmeans_options o = options_of(0, 0);
        o.iterations = i;
        double inertia;
        assert_int_equal(balanced_kmeans_run(km, rows, &o, label, NULL), OK);
        assert_int_equal(neuron_rows_inertia(rows, N, WIDTH, K, label, &inertia), OK);
        assert_true(inertia <= before * (1 + 1e-7));
        before = inertia;
    }
    balanced_kmeans_free(km);
    free(rows);
}

// Labels that are rotated by one row: the sizes stay, the neighbours go.
static double rotated_inertia(const float *rows, int64_t n, int64_t width, int k, int32_t *label)
{
    int32_t last = label[n - 1];
    double inertia;
    memmove(label + 1, label, (size_t)(n - 1) * sizeof *label);
    label[0] = last;
    assert_int_equal(neuron_rows_inertia(rows, n, width, k, label, &inertia), OK);
    return inertia;
}

static void as_good_as_k_means_constrained(void **state)
{
    (void)state;
    enum { N = 512, WIDTH = 128, K = 16, LAYERS = 6 };
    float *rows = malloc(N * WIDTH * sizeof *rows);
    int32_t label[N];
    weight_source *c;
    assert_int_equal(weight_source_open("examples/vit-glyph100", &c), OK);
    FILE *f = fopen("tests/reference/kmeans/inertia.txt", "r");
    assert_non_null(f);
    assert_int_not_equal(fscanf(f, "#%*[^\n]"), EOF);
    for (int layer = 0; layer < LAYERS; layer++) {
        int read_layer;
        double reference;
        char name[80];
        assert_int_equal(fscanf(f, "%d %lf %*f", &read_layer, &reference), 2);
        assert_int_equal(read_layer, layer);
        snprintf(name, sizeof name, "vit.encoder.layer.%d.intermediate.dense.weight", layer);
        const tensor *t = weight_source_find(c, name);
        assert_non_null(t);
        assert_int_equal(t->elements, N * WIDTH);
        t->type->to_float(t->bytes, N * WIDTH, rows);
        assert_int_equal(neuron_rows_prepare(rows, N, WIDTH), OK);
        double inertia = cluster(rows, N, WIDTH, K, 10, NULL, label);
        print_message("layer %d: inertia %.4f, k-means-constrained %.4f, ratio %.5f\n", layer,
                      inertia, reference, inertia / reference);
        assert_sizes(label, N, K);
        assert_true(inertia <= 1.005 * reference);
        assert_true(inertia >= 0.9 * reference);
        // The twin: labels that belong to other rows must not pass.
        assert_false(rotated_inertia(rows, N, WIDTH, K, label) <= 1.005 * reference);
    }
    fclose(f);
    weight_source_close(c);
    free(rows);
}

int main(void)
{
    if (blas_check(1) != OK) // and products have one thread
        return 1;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_become_unit_rows_about_their_mean),
        cmocka_unit_test(inertia_is_about_the_means),
        cmocka_unit_test(separate_groups_are_found),
        cmocka_unit_test(threads_do_not_change_a_bit),
        cmocka_unit_test(odd_rows_are_clustered_too),
        cmocka_unit_test(impossible_cluster_counts_are_refused),
        cmocka_unit_test(it_stops_between_iterations),
        cmocka_unit_test(inertia_falls),
        cmocka_unit_test(as_good_as_k_means_constrained),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
