// SPDX-License-Identifier: Apache-2.0
// A run that must stop says so by one flag. What may take long, and is no unit, looks at it.
#ifndef PIPELINE_BASE_STOPPING_H
#define PIPELINE_BASE_STOPPING_H

#include <stdatomic.h>

#include "pipeline/base/status.h"

// ERR_INTERRUPTED once the flag is true; NULL is one that never is. Local; costs nothing.
status stopping_check(const atomic_bool *stopping);

#endif
