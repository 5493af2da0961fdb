// SPDX-License-Identifier: Apache-2.0
// The resources of a pipeline file while it runs: each opened once a rank, when the first task
// needs it, and closed when no later one does. What is opened for tasks alone that need no weights
// (stage_def's `light`) is opened without.
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
// The task will be opened: what it needs counts as open from now on. Local.
void resource_use_want(resource_use *u, const task *t);
// Before that, a node's first rank begins to watch its files, as they were when `in` (rank 0's; NULL
// elsewhere) took their digests. Local.
status resource_use_watch(resource_use *u, const task *t, const inputs *in);
// Opens what the task needs, of several tasks one after the other; then one vote on all of it, and
// after that each task is asked whether its own is open. Collective on each node; collective; local,
// and the same on all ranks.
void resource_use_open(resource_use *u, const task *t);
void resource_use_agree(resource_use *u);
status resource_use_opened(resource_use *u, const task *t);
// What was read of the task's files until now was read of what its key says: to be asked before
// anything that was made of them is written. ERR_INPUT, on a node's first rank. Local.
status resource_use_unchanged(const resource_use *u, const task *t);
// The task is over: closes what nobody else will need. Collective on each node.
void resource_use_drop(resource_use *u, const task *t);

// What one of the file's resources takes of the node that needs most for it, and what would make it
// fit where it does not: at most so many ranks a node, or teams of so many; 0: that would not. The
// same on all ranks.
typedef struct resource_need {
    double bytes;
    int64_t ranks, parts;
} resource_need;

// Of the i-th; 0 bytes until it is told.
void resource_use_tell(resource_use *u, size_t i, resource_need need);
// Bytes of a node for what the task takes; and for what counts as open beside that (NULL: for all).
double resource_use_bytes(const resource_use *u, const task *t);
double resource_use_beside(const resource_use *u, const task *t);
// Closes what the task does not take; it is opened again when it is needed. No other may run.
// Collective on each node.
void resource_use_close_beside(resource_use *u, const task *t);
// Of the largest that the task takes; NULL where it takes none. Borrowed.
const resource_need *resource_use_largest(const resource_use *u, const task *t, const char **name);

// Opens what will be used, and teams can share out, as far as its sizes; and closes it. Local. The
// first failure; what could not be opened has no object.
status resource_use_open_light(resource_use *u);
void resource_use_close_light(resource_use *u);

#endif
