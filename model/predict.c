// SPDX-License-Identifier: Apache-2.0
#include "model/predict.h"

#include <math.h>

void predict_row(const float *logits, int n, int32_t target, prediction *out)
{
    double sum = 0;
    out->top1 = 0;
    out->rank = 0;
    for (int32_t i = 0; i < n; i++) {
        if (logits[i] > logits[out->top1])
            out->top1 = i;
        if (logits[i] > logits[target] || (logits[i] == logits[target] && i < target))
            out->rank++;
    }
    for (int32_t i = 0; i < n; i++)
        sum += exp((double)logits[i] - logits[out->top1]);
    out->loss = (float)(log(sum) + ((double)logits[out->top1] - logits[target]));
}
