// SPDX-License-Identifier: Apache-2.0
// The resources of a pipeline file while it runs: each opened once a rank, when the first task
// needs it, and closed when no later one does.
#ifndef PIPELINE_RUN_RESOURCE_USE_H
#define PIPELINE_RUN_RESOURCE_USE_H

#include <stdbool.h>

#include "pipeline/comm/comm.h"
#include "pipeline/dag/dag.h"
#include "pipeline/store/inputs.h"

typedef struct resource_use resource_use;

// Counts, for every resource of d->file, the tasks that may need it: each drops its claim once,
// when it is over. Borrows both. Local. Owned by the caller.
status resource_use_new(comm *c, const dag *d, resource_use **out);
// Closes whatever is open. Collective on each node. NULL is a no-op.
void resource_use_free(resource_use *u);

// The ranks that hold one object between them: the node's, or with teams those of it that are the
// same member. Borrowed.
share *resource_use_share(const resource_use *u);
// Opens what the task needs; from then on a node's first rank watches its files, as they were when
// `in` (rank 0's; NULL elsewhere) took their digests. Collective; all ranks return the same status.
status resource_use_open(resource_use *u, const task *t, const inputs *in);
// What was read of the task's files until now was read of what its key says: to be asked before
// anything that was made of them is written. ERR_INPUT, on a node's first rank. Local.
status resource_use_unchanged(const resource_use *u, const task *t);
// The task is over: closes what nobody else will need. Collective on each node.
void resource_use_drop(resource_use *u, const task *t);

// Opens what will be used, and teams can share out, as far as its sizes; and closes it. Local.
status resource_use_open_light(resource_use *u);
void resource_use_close_light(resource_use *u);

#endif
