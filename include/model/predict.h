// SPDX-License-Identifier: Apache-2.0
// From logits to an answer.
#ifndef MODEL_PREDICT_H
#define MODEL_PREDICT_H

#include "model/model.h"

// How logits [n] answer `target` (0 <= target < n): top1, rank and loss as in model.h; the loss
// through a float64 log-sum-exp. Leaves `row` alone. Local.
void predict_row(const float *logits, int n, int32_t target, prediction *out);

#endif
