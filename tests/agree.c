// SPDX-License-Identifier: Apache-2.0
// agree ARTEFACT OTHER VARIABLE RANK SHARE
//
// Do two artefacts order their neurons alike? For each subset (the variable's first dimension):
// Spearman's rank correlation of all neurons, at least RANK (0.999), and and the share of the top
// 1% of one that is in the top 1% of the other, over all subsets at least SHARE (0.97), by the
// selection rule of the stages. Prints the lowest correlation and that share; exit 1 where they are
// lower, 2 where they cannot be compared.
#include <stdio.h>
#include <stdlib.h>

#include "pipeline/base/checked.h"
#include "pipeline/store/artefact_file.h"

typedef struct scored {
    double value;
    size_t index;
} scored;

// Descending; ties by the lower index.
static int by_value(const void *x, const void *y)
{
    const scored *a = x, *b = y;
    if (a->value != b->value)
        return a->value < b->value ? 1 : -1;
    return a->index < b->index ? -1 : 1;
}

static status read_values(const char *path, const char *name, double **out, size_t *subsets,
                          size_t *n)
{
    status st = OK;
    artefact *a = NULL;
    variable_type type;
    int dims;
    int64_t length[VARIABLE_MAX_DIMS];
    TRY(artefact_open(path, &a));
    TRY(artefact_shape(a, name, &type, &dims, length));
    *subsets = (size_t)length[0];
    *n = 1;
    for (int d = 1; d < dims; d++)
        *n *= (size_t)length[d];
    if (!(*out = checked_calloc(*subsets * *n, sizeof **out)))
        TRY(status_no_memory("values"));
    TRY(artefact_read(a, name, VARIABLE_F64, *out));
done:
    artefact_close(a);
    return st;
}

// Where each neuron stands.
static void rank_all(const double *value, size_t n, scored *sorted, double *rank)
{
    for (size_t i = 0; i < n; i++)
        sorted[i] = (scored){value[i], i};
    qsort(sorted, n, sizeof *sorted, by_value);
    for (size_t first = 0, end; first < n; first = end) { // equal values share their mean rank
        for (end = first; end < n && sorted[end].value == sorted[first].value;)
            end++;
        for (size_t i = first; i < end; i++)
            rank[sorted[i].index] = (double)(first + end - 1) / 2;
    }
}

static double correlation(const double *a, const double *b, size_t n)
{
    double mean = (double)(n - 1) / 2, ab = 0, aa = 0, bb = 0;
    for (size_t i = 0; i < n; i++) {
        ab += (a[i] - mean) * (b[i] - mean);
        aa += (a[i] - mean) * (a[i] - mean);
        bb += (b[i] - mean) * (b[i] - mean);
    }
    return ab / __builtin_sqrt(aa * bb);
}

int main(int argc, char **argv)
{
    double *a = NULL, *b = NULL, lowest = 2, share;
    size_t subsets, n, others, m, shared = 0, selected = 0;
    if (argc != 6 || read_values(argv[1], argv[3], &a, &subsets, &n) != OK ||
        read_values(argv[2], argv[3], &b, &others, &m) != OK || subsets != others || n != m) {
        fprintf(stderr, "agree ARTEFACT OTHER VARIABLE RANK SHARE: %s\n", status_text());
        return 2;
    }
    scored *x = checked_calloc(n, sizeof *x), *y = checked_calloc(n, sizeof *y);
    double *rank = checked_calloc(2 * n, sizeof *rank);
    for (size_t s = 0; x && y && rank && s < subsets; s++) {
        rank_all(a + s * n, n, x, rank);
        rank_all(b + s * n, n, y, rank + n);
        double r = correlation(rank, rank + n, n);
        size_t k = (size_t)(0.01 * (double)n + 1e-9), both = 0;
        for (size_t i = 0; i < k; i++)
            for (size_t j = 0; j < k; j++)
                both += x[i].index == y[j].index;
        lowest = r < lowest ? r : lowest;
        shared += both;
        selected += k;
    }
    share = (double)shared / (double)selected;
    printf("%s of %zu subsets: rank correlation at least %.5f, top 1%% shared %.4f\n", argv[3],
           subsets, lowest, share);
    free(a);
    free(b);
    free(x);
    free(y);
    free(rank);
    return lowest <= 1 && lowest >= atof(argv[4]) && share >= atof(argv[5]) ? 0 : 1;
}
