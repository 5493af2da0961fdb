// SPDX-License-Identifier: Apache-2.0
// From logits to answers: a block a row looks twice at a stretch of its logits. The largest are drawn
// one by one from what each thread has found largest in its own; who gave one looks for its next. As
// soon as the row's list has nothing to gain, it ends: most stretches cost a round or two. Read by
// nvcc and as C (grid.h).
#ifndef MODEL_CUDA_KERNELS_ANSWERS_H
#define MODEL_CUDA_KERNELS_ANSWERS_H

#include "model/cuda/grid.h"

// The largest of the thread's logits behind `last` in order; all of them where last.index is -1.
GRID_INLINE grid_best next_largest(int t, const float *logits, int n, grid_best last)
{
    grid_best best;
    best.value = -INFINITY;
    best.index = -1;
    for (int i = t; i < n; i += GRID_THREADS) {
        grid_best own;
        own.value = logits[i];
        own.index = i;
        if ((last.index < 0 || grid_before(last, own)) && grid_before(own, best) &&
            own.value == own.value)
            best = own;
    }
    return best;
}

// Merges `found`, n in order, all with higher indices than those of the list where equal.
GRID_INLINE void merge_largest(device_answer *a, const grid_best *found, int n, int32_t first)
{
    for (int i = 0; i < n; i++) {
        const int is_full = a->n == DEVICE_RANKS;
        if (is_full && !(found[i].value > a->top[DEVICE_RANKS - 1]))
            return;
        int at = is_full ? DEVICE_RANKS - 1 : a->n++;
        for (; at > 0 && found[i].value > a->top[at - 1]; at--) {
            a->top[at] = a->top[at - 1];
            a->id[at] = a->id[at - 1];
        }
        a->top[at] = found[i].value;
        a->id[at] = first + found[i].index;
    }
}

GRID_KERNEL(fold_rows, device_fold)
{
    GRID_SHARED grid_best found[DEVICE_RANKS];
    GRID_KEPT(grid_best, best);
    GRID_KEPT(float, part);
    float *x = a.logits + GRID_BLOCK * a.stride;
    device_answer *answer = a.answer + GRID_BLOCK;
    const int listed = a.first == 0 ? 0 : answer->n;
    const float lowest = listed == DEVICE_RANKS ? answer->top[DEVICE_RANKS - 1] : -INFINITY;
    const float max_before = a.first == 0 ? -INFINITY : answer->max;
    GRID_EACH_THREAD(t)
    {
        int is_bad = 0;
        grid_best none;
        none.value = 0;
        none.index = -1;
        for (int i = t; i < a.n; i += GRID_THREADS) {
            is_bad |= !grid_finite(x[i]);
            if (a.cap > 0)
                x[i] = a.cap * tanhf(x[i] / a.cap);
        }
        if (is_bad && a.bad)
            *a.bad = 1;
        GRID_OWN(best, t) = next_largest(t, x, a.n, none);
    }
    GRID_BARRIER(); // all have read the answer
    int n = 0;
    grid_best largest = grid_largest(best);
    const float max = largest.index >= 0 && largest.value > max_before ? largest.value : max_before;
    while (n < DEVICE_RANKS && largest.index >= 0 &&
           (listed < DEVICE_RANKS || largest.value > lowest)) {
        GRID_EACH_THREAD(t)
        {
            if (t == 0)
                found[n] = largest;
            if (t == largest.index % GRID_THREADS)
                GRID_OWN(best, t) = next_largest(t, x, a.n, largest);
        }
        n++;
        largest = grid_largest(best);
    }
    GRID_EACH_THREAD(t)
    {
        GRID_OWN(part, t) = 0;
        for (int i = t; i < a.n; i += GRID_THREADS)
            GRID_OWN(part, t) += expf(x[i] - max);
    }
    const float sum = grid_sum(part);
    GRID_EACH_THREAD(t)
    if (t == 0) {
        const double before = a.first == 0 ? 0 : answer->sum;
        answer->n = listed;
        merge_largest(answer, found, n, a.first);
        if (answer->target >= a.first && answer->target < a.first + a.n)
            answer->target_logit = x[answer->target - a.first];
        answer->sum =
            (before > 0 ? before * exp((double)max_before - (double)max) : 0) + (double)sum;
        answer->max = max;
    }
}

static status ops_fold(device *d, const device_fold *a)
{
    if (a->rows > 0)
        GRID_RUN(d, fold_rows, a->rows, 1, *a);
    return grid_end(d, "fold");
}

#endif
