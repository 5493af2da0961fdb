// SPDX-License-Identifier: Apache-2.0
// A device that is this process: the table of model/cuda/ops.h as loops that anybody can read, apart
// from all kernels. What model/device makes is tested on it, and kernels are compared with it.
#ifndef TESTS_MODEL_NAIVE_DEVICE_H
#define TESTS_MODEL_NAIVE_DEVICE_H

#include <stdbool.h>

#include "model/cuda/ops.h"

enum { NAIVE_ROW_BLOCK = 4 };

// What it is to do otherwise; {0}: nothing.
typedef struct naive_faults {
    size_t memory;    // bytes that it has; 0: enough
    int fails_after;  // so many calls it is lost; 0: never
    bool windowless;  // attention forgets the window: a fault that fixtures must find
    bool squareless;  // the kernels have no tensor cores
    bool forgets_sum; // so does the first row of each segment
} naive_faults;

// Static; looks at *faults (NULL: none) with each call.
const device_ops *naive_device(const naive_faults *faults);

#endif
