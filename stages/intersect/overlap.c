// SPDX-License-Identifier: Apache-2.0
// Described by the first set that holds it, a neuron is 16 bits for any number of sizes, and a pair
// of subsets is one pass over two arrays of them.
#include "stages/intersect/overlap.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/base/checked.h"
#include "stages/common/neuron_set.h"

void overlap_first(const int64_t *order, int64_t n, const int64_t *sizes, int64_t n_sizes,
                   uint16_t *first)
{
    int64_t place = 0;
    for (int64_t j = 0; j < n_sizes; j++)
        for (; place < sizes[j]; place++)
            first[order[place]] = (uint16_t)j;
    for (; place < n; place++)
        first[order[place]] = (uint16_t)n_sizes;
}

void overlap_count(const uint16_t *first_a, const uint16_t *first_b, int64_t n, int64_t n_sizes,
                   int64_t *shared)
{
    memset(shared, 0, (size_t)(n_sizes + 1) * sizeof *shared);
    for (int64_t i = 0; i < n; i++)
        shared[first_a[i] > first_b[i] ? first_a[i] : first_b[i]]++;
    for (int64_t j = 0; j < n_sizes; j++)
        shared[j + 1] += shared[j];
}

status overlap_pairs(const uint16_t *first, int64_t stride, int64_t width, int64_t n_sizes,
                     int64_t n, int64_t a, int64_t *shared)
{
    int64_t *own = checked_calloc((size_t)n_sizes + 1, sizeof *own);
    if (!own)
        return status_no_memory("shared neurons");
    for (int64_t b = a; b < n; b++) {
        overlap_count(first + a * stride, first + b * stride, width, n_sizes, own);
        for (int64_t j = 0; j < n_sizes; j++)
            shared[(j * n + a) * n + b] = shared[(j * n + b) * n + a] = own[j];
    }
    free(own);
    return OK;
}

status overlap_summarise(const double *matrix, int64_t n, overlap_summary *out)
{
    *out = (overlap_summary){NAN, NAN, NAN, NAN, NAN};
    int64_t pairs = 0;
    double *value = checked_calloc((size_t)(n * n), sizeof *value);
    if (!value)
        return status_no_memory("a summary of overlaps");
    double sum = 0, squares = 0;
    for (int64_t a = 0; a < n; a++)
        for (int64_t b = a + 1; b < n; b++)
            if (!isnan(matrix[a * n + b]))
                value[pairs++] = matrix[a * n + b];
    if (pairs == 0)
        goto done;
    neuron_set_sort(value, pairs);
    for (int64_t i = 0; i < pairs; i++)
        sum += value[i];
    out->mean = sum / (double)pairs;
    for (int64_t i = 0; i < pairs; i++)
        squares += (value[i] - out->mean) * (value[i] - out->mean);
    out->std = sqrt(squares / (double)pairs);
    out->median = (value[(pairs - 1) / 2] + value[pairs / 2]) / 2;
    out->min = value[0];
    out->max = value[pairs - 1];
done:
    free(value);
    return OK;
}
