// SPDX-License-Identifier: Apache-2.0
// The k largest of n values, of equal ones those that PyTorch takes.
#ifndef MODEL_FORWARD_LARGEST_H
#define MODEL_FORWARD_LARGEST_H

#include <stdint.h>

typedef struct ranked_value {
    float value; // no NaN
    int32_t index;
} ranked_value;

// Moves the k largest of v [n] to its beginning, in no order; 1 <= k <= n, index[i] = i before.
// Where values are equal the choice is that of torch.topk on a CPU under Linux, which is neither
// the lower nor the higher index: it depends on n, k and the other values. Local.
void largest_choose(ranked_value *v, int n, int k);

#endif
