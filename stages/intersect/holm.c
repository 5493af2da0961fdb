// SPDX-License-Identifier: Apache-2.0
// In logarithms, like the p-values it is for: a product with n - i is a sum, and what lies below
// the smallest double is still in order.
#include "stages/intersect/holm.h"

#include <math.h>
#include <stdlib.h>

#include "pipeline/base/checked.h"

typedef struct ranked {
    double log_p;
    int64_t index;
} ranked;

static int by_p(const void *a, const void *b)
{
    const ranked *x = a, *y = b;
    if (x->log_p != y->log_p)
        return x->log_p < y->log_p ? -1 : 1;
    return x->index < y->index ? -1 : x->index > y->index;
}

status holm_correct(double *log_p, int64_t n)
{
    ranked *list = checked_calloc((size_t)n, sizeof *list);
    if (!list)
        return status_no_memory("p-values");
    int64_t tests = 0;
    for (int64_t i = 0; i < n; i++)
        if (!isnan(log_p[i]))
            list[tests++] = (ranked){log_p[i], i};
    qsort(list, (size_t)tests, sizeof *list, by_p);
    double least = -INFINITY;
    for (int64_t i = 0; i < tests; i++) {
        double corrected = fmin(list[i].log_p + log((double)(tests - i)), 0);
        least = fmax(least, corrected);
        log_p[list[i].index] = least;
    }
    free(list);
    return OK;
}
