// SPDX-License-Identifier: Apache-2.0
// Which scores can be made again (recollect.h).
#ifndef STAGES_RECOLLECT_RECOLLECTABLE_H
#define STAGES_RECOLLECT_RECOLLECTABLE_H

#include "pipeline/stage.h"

// Those of the i-th input, on the task's model and data? ERR_USAGE at `param`. For a stage's `check`.
status recollectable_check(const task *t, size_t i, const char *param);

#endif
