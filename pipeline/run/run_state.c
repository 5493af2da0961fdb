// SPDX-License-Identifier: Apache-2.0
// What every step asks, or tells.
#include "pipeline/run/run_state.h"

status run_may_write(void *context)
{
    const run *r = context;
    return lease_check(r->file->output, r->lease_id);
}

void run_note(run *r)
{
    const rank_doing *d = &r->doing;
    if (d->units > 0)
        watchdog_note(r->watchdog, DOING_UNIT, d->task, d->unit);
    else
        watchdog_note(r->watchdog, d->saving ? DOING_SAVE : DOING_WAIT, NULL, 0);
}

bool run_must_end(const run *r)
{
    return r->ending.code != OK || (r->failure.code != OK && r->stop_on_error);
}
