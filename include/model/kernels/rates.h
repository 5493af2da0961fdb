// SPDX-License-Identifier: Apache-2.0
// What this machine's matrix products reach, for `sulcus doctor`; and which kernels it runs, for
// `sulcus --version`.
#ifndef MODEL_KERNELS_RATES_H
#define MODEL_KERNELS_RATES_H

#include "pipeline/base/status.h"
#include "pipeline/base/text.h"
#include "pipeline/base/version.h"

// Checks BLAS's kernels (model/kernels/blas_check.h), then adds to the text: which kernels and
// instructions there are, which library `compute: f32` takes, and the measured rate of one thread
// in each number type. A fifth of a second. Local. ERR_INTERNAL as blas_check.
status rates_check(text *found);

// What this CPU runs: float32 products, bf16 products, and all other kernels. Ended by NULL.
extern const version_def *const rates_kernels[];

#endif
