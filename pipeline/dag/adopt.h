// SPDX-License-Identifier: Apache-2.0
// A task whose result is known under another name takes it over.
#ifndef PIPELINE_DAG_ADOPT_H
#define PIPELINE_DAG_ADOPT_H

#include "pipeline/base/status.h"
#include "pipeline/dag/task.h"
#include "pipeline/store/kept.h"
#include "pipeline/store/store.h"

// Writes the result to the task's own place, with the task's name, axes and pipeline in it and the
// same digest; where and when it was computed stays what it was. `allowed` as store_commit's. Local.
// ERR_INPUT: the result is damaged; ERR_IO.
status task_adopt(const task *t, const journal_commit *found, int64_t epoch,
                  status (*allowed)(void *context), void *context, stored *out);

#endif
