// SPDX-License-Identifier: Apache-2.0
// One line for all who stop half way, so that it does not tell where a run happened to be.
#include "pipeline/base/stopping.h"

#include <stddef.h>

status stopping_check(const atomic_bool *stopping)
{
    if (!stopping || !atomic_load_explicit(stopping, memory_order_relaxed))
        return OK;
    return status_fail(ERR_INTERRUPTED, NULL, "interrupted; run the same command again to go on");
}
