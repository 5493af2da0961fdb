// SPDX-License-Identifier: Apache-2.0
// What a device adds up over a batch: sums of sites, and notes of what was no number.
#ifndef MODEL_DEVICE_DEVICE_TOTALS_H
#define MODEL_DEVICE_DEVICE_TOTALS_H

#include "model/device/device_rows.h"

// Adds what is wanted of a site's activations.
status device_sum_rows(pass *p, const device_rows *r);

// Forgets what was noted (device_bad); and fails for the first of it.
status device_clear_bad(const pass *p);
status device_check_bad(const pass *p);

// Sums of a batch: cleared before it, and given to the caller behind it.
status device_clear_totals(const pass *p);
status device_give_totals(const pass *p);

#endif
