// SPDX-License-Identifier: Apache-2.0
// A whole order is sorted rather than a top k selected, since a caller mostly wants many k of one
// order. The index breaks ties, so that the order does not depend on the sort.
#include "stages/common/neuron_set.h"

#include <math.h>
#include <stdlib.h>

#include "pipeline/base/checked.h"

int64_t neuron_set_size(double share, int64_t n)
{
    return (int64_t)floor(share * (double)n + 1e-9);
}

typedef struct scored {
    double score;
    int64_t index;
} scored;

static int by_score(const void *a, const void *b)
{
    const scored *x = a, *y = b;
    if (isnan(x->score) != isnan(y->score))
        return isnan(x->score) ? 1 : -1;
    if (x->score < y->score || x->score > y->score)
        return x->score > y->score ? -1 : 1;
    return x->index < y->index ? -1 : x->index > y->index;
}

status neuron_set_order(const double *score, int64_t n, int64_t *order)
{
    scored *list = checked_calloc((size_t)n, sizeof *list);
    if (!list)
        return status_no_memory("an order of neurons");
    for (int64_t i = 0; i < n; i++)
        list[i] = (scored){score[i], i};
    qsort(list, (size_t)n, sizeof *list, by_score);
    for (int64_t i = 0; i < n; i++)
        order[i] = list[i].index;
    free(list);
    return OK;
}

static int ascending(const void *a, const void *b)
{
    const double *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

void neuron_set_sort(double *value, int64_t n)
{
    qsort(value, (size_t)n, sizeof *value, ascending);
}
