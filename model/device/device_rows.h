// SPDX-License-Identifier: Apache-2.0
// Activations of a batch at a site, and which of them are of which rows.
#ifndef MODEL_DEVICE_DEVICE_ROWS_H
#define MODEL_DEVICE_DEVICE_ROWS_H

#include "model/device/device_pass.h"

typedef struct device_rows {
    site site;
    int layer, first_neuron, neurons;
    float *x; // [rows, neurons]
    const float *gate;
    device_activation act;
    int64_t rows;
    const int32_t *row; // host [rows], ascending: which of the batch; NULL: all of them
    void *to;           // what the next product reads; NULL: it is not wanted
} device_rows;

// Rows [begin, end) of the batch as a stretch of r's. *at is 0 for the first, and where the search for
// the next one begins, which does not come before it.
device_segment device_rows_segment(const device_rows *r, int64_t begin, int64_t end, int64_t *at);

#endif
