// SPDX-License-Identifier: Apache-2.0
// Reads tests/reference/overlap.txt, which make_overlap.py wrote with NumPy and SciPy.
#ifndef OVERLAP_FIXTURE_H
#define OVERLAP_FIXTURE_H

#include <assert.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

enum { SUBSETS = 5, LAYERS = 3, UNITS = 48, CLUSTERS = 8, FRACTIONS = 7, TAILS = 15, PAIRS = 10 };
enum { NEURONS = LAYERS * UNITS };

typedef struct fixture {
    double fraction[FRACTIONS];
    double score[SUBSETS][NEURONS];
    int32_t label[LAYERS][UNITS];
    struct {
        double shared[LAYERS][SUBSETS][SUBSETS];
        double p[PAIRS]; // Holm-corrected, pairs (0,1) (0,2) … (3,4)
        double summary[5];
        double auc[SUBSETS][LAYERS];
    } at[FRACTIONS];
    struct {
        long shared, a, b, n;
        double log_p;
    } tail[TAILS];
} fixture;

static void read_numbers(FILE *f, const char *word, long n, double *out)
{
    char found[32];
    assert_int_equal(fscanf(f, "%31s", found), 1);
    assert_string_equal(found, word);
    for (long i = 0; i < n; i++)
        assert_int_equal(fscanf(f, "%lf", &out[i]), 1);
}

static void read_fixture(fixture *x)
{
    double number[SUBSETS * NEURONS];
    FILE *f = fopen("tests/reference/overlap.txt", "r");
    assert_non_null(f);
    read_numbers(f, "shape", 5, number);
    assert_true(number[0] == SUBSETS && number[1] == LAYERS && number[2] == UNITS &&
                number[3] == CLUSTERS && number[4] == FRACTIONS);
    read_numbers(f, "fractions", FRACTIONS, x->fraction);
    read_numbers(f, "scores", SUBSETS * NEURONS, x->score[0]);
    read_numbers(f, "labels", NEURONS, number);
    for (int i = 0; i < NEURONS; i++)
        x->label[i / UNITS][i % UNITS] = (int32_t)number[i];
    for (int j = 0; j < FRACTIONS; j++) {
        read_numbers(f, "shared", LAYERS * SUBSETS * SUBSETS, x->at[j].shared[0][0]);
        read_numbers(f, "p", PAIRS, x->at[j].p);
        read_numbers(f, "summary", 5, x->at[j].summary);
        read_numbers(f, "auc", SUBSETS * LAYERS, x->at[j].auc[0]);
    }
    read_numbers(f, "tails", 1, number);
    for (int i = 0; i < TAILS; i++)
        assert_int_equal(fscanf(f, "%ld %ld %ld %ld %lf", &x->tail[i].shared, &x->tail[i].a,
                                &x->tail[i].b, &x->tail[i].n, &x->tail[i].log_p),
                         5);
    fclose(f);
}

#endif
