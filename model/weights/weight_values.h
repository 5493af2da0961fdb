// SPDX-License-Identifier: Apache-2.0
// How weights are told of, and shown, to who holds them elsewhere.
#ifndef MODEL_WEIGHTS_WEIGHT_VALUES_H
#define MODEL_WEIGHTS_WEIGHT_VALUES_H

#include <stdbool.h>
#include <stddef.h>

#include "pipeline/base/status.h"

// A tensor, and who reads its values: products, others, or both.
typedef struct weight_values {
    const float *at;
    size_t elements;
    bool products, rows;
} weight_values;

// Gets values [first, first + n) of a tensor, in order, each once; *values is borrowed for the call.
typedef status weights_see(void *context, const weight_values *v, size_t first, size_t n,
                           const float *values);

#endif
