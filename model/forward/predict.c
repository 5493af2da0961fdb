// SPDX-License-Identifier: Apache-2.0
// The largest logit so far and the sum of exponentials beside it, scaled again whenever it grows:
// so a softmax needs one look at each logit. Most chunks hold none of the largest, and cost a
// maximum.
#include "model/forward/predict.h"

#include <math.h>

#include "model/kernels/kernels.h"

enum { CHUNK = 64 }; // logits that are compared with the list's last at once

void predict_begin(answer *a, int32_t target)
{
    *a = (answer){.target = target, .max = -INFINITY};
}

static void insert_logit(answer *a, float logit, int32_t id)
{
    if (a->n == PREDICTION_RANKS && !(logit > a->top[a->n - 1]))
        return;
    int at = a->n < PREDICTION_RANKS ? a->n++ : a->n - 1;
    for (; at > 0 && logit > a->top[at - 1]; at--) {
        a->top[at] = a->top[at - 1];
        a->id[at] = a->id[at - 1];
    }
    a->top[at] = logit;
    a->id[at] = id;
}

void predict_add(answer *a, const float *logits, int first, int n)
{
    float max = a->max;
    for (int from = 0; from < n; from += CHUNK) {
        int end = from + CHUNK < n ? from + CHUNK : n;
        float best = kernel_max(logits + from, end - from);
        max = best > max ? best : max;
        if (a->n == PREDICTION_RANKS && !(best > a->top[a->n - 1]))
            continue;
        for (int i = from; i < end; i++)
            insert_logit(a, logits[i], first + i);
    }
    if (a->target >= first && a->target < first + n)
        a->target_logit = logits[a->target - first];
    double before = a->sum > 0 ? a->sum * exp((double)a->max - max) : 0;
    a->sum = before + kernel_sum_exp(logits, n, max);
    a->max = max;
}

void predict_end(const answer *a, prediction *out)
{
    out->top1 = a->id[0];
    for (out->rank = 0; out->rank < a->n && a->id[out->rank] != a->target;)
        out->rank++;
    out->loss = (float)(log(a->sum) + ((double)a->max - a->target_logit));
}
