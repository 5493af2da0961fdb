// SPDX-License-Identifier: Apache-2.0
// A look at what tasks would open, before any of them runs: `plan` on the login node, and the
// beginning of a run.
#ifndef PIPELINE_DAG_LOOK_H
#define PIPELINE_DAG_LOOK_H

#include <stdbool.h>
#include <stddef.h>

#include "pipeline/base/status.h"
#include "pipeline/dag/dag.h"

typedef struct look look;

// Opens, to that depth, the resources that the wanted tasks take (with `all`, every one), and lets
// stages look at them. What is wrong is kept a task; the status is that of the look itself. The
// resources stay open until look_close, so none may be open before. Local. Owned by the caller.
status look_open(dag *d, const bool *wanted, bool all, resource_depth depth, look **out);
void look_close(look *l); // NULL is a no-op

// What keeps the i-th task from running, with the place in the pipeline file; OK: nothing that was seen.
status look_found(const look *l, size_t i);
// Lines, each of what is wrong; each once. Borrowed.
const char *look_failures(const look *l);
// The first of them; OK: there is none.
status look_verdict(const look *l);
// Lines, each of what a user should know ("models/m: ..."); each once. Borrowed.
const char *look_notes(const look *l);

#endif
