// SPDX-License-Identifier: Apache-2.0
// The two questions that every step asks.
#include "pipeline/run/run_state.h"

status run_may_write(void *context)
{
    const run *r = context;
    return lease_check(r->file->output, r->lease_id);
}

bool run_must_end(const run *r)
{
    return r->ending.code != OK || (r->failure.code != OK && r->stop_on_error);
}
