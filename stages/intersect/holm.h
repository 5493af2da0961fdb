// SPDX-License-Identifier: Apache-2.0
// Many tests at once: p-values that hold for all of them together.
#ifndef STAGES_INTERSECT_HOLM_H
#define STAGES_INTERSECT_HOLM_H

#include <stdint.h>

#include "pipeline/base/status.h"

// Corrects n log p-values in place for n tests (Holm, "A simple sequentially rejective multiple
// test procedure", 1979): by ascending p, the i-th (from 0) times n - i, never below the one
// before, at most 1. NaN is no test and stays. Local. Fails when out of memory.
status holm_correct(double *log_p, int64_t n);

#endif
