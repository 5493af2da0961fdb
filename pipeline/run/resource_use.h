// SPDX-License-Identifier: Apache-2.0
// The resources of a pipeline file while it runs: each opened once a rank, when the first task
// needs it, and closed when no later one does.
#ifndef PIPELINE_RUN_RESOURCE_USE_H
#define PIPELINE_RUN_RESOURCE_USE_H

#include "pipeline/run/run_state.h"

// Counts, for every resource, the tasks that may need it: each drops its claim once, when it is
// over. ERR_INTERNAL.
status resource_use_count(run *r);
// The ranks that hold one object between them: the node's, or with teams those of it that are the
// same member. Borrowed.
share *resource_use_share(run *r);
// Opens what the task needs. Collective; all ranks return the same status.
status resource_use_open(run *r, const task *t);
// The task is over: closes what nobody else will need. Collective on each node.
void resource_use_drop(run *r, const task *t);
// Closes whatever is open. Collective on each node.
void resource_use_close_all(run *r);

#endif
