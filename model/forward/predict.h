// SPDX-License-Identifier: Apache-2.0
// From logits to an answer, a stretch of outputs at a time: a row of a large vocabulary is never
// whole. All local; none fails.
#ifndef MODEL_FORWARD_PREDICT_H
#define MODEL_FORWARD_PREDICT_H

#include "model/forward/forward.h"

// What has been seen of a row's logits.
typedef struct answer {
    int32_t target;
    float target_logit;
    float max;  // so far
    double sum; // of exp(logit - max)
    int n;      // of the largest logits, descending, equal ones by index
    float top[PREDICTION_RANKS];
    int32_t id[PREDICTION_RANKS];
} answer;

// Begins a row with that target (0 <= target < outputs).
void predict_begin(answer *a, int32_t target);
// Takes the logits of outputs [first, first + n), ascending from call to call. Local.
void predict_add(answer *a, const float *logits, int first, int n);
// top1, rank and loss as in model.h. Leaves `row` alone.
void predict_end(const answer *a, prediction *out);

#endif
