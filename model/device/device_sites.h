// SPDX-License-Identifier: Apache-2.0
// What happens to a site's activations on a device: pruned ones become 0, or what the pass says;
// readers see them, tile by tile, or they are summed where they are.
#ifndef MODEL_DEVICE_DEVICE_SITES_H
#define MODEL_DEVICE_DEVICE_SITES_H

#include "model/device/device_pass.h"

// Activations of the batch at a site.
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

// Activates, prunes and shows them.
status device_show_site(pass *p, const device_rows *r);

// Forgets what was noted (device_bad); and fails for the first of it.
status device_clear_bad(const pass *p);
status device_check_bad(const pass *p);

// Sums of a batch: cleared before it, and given to the caller behind it.
status device_clear_totals(const pass *p);
status device_give_totals(const pass *p);

#endif
