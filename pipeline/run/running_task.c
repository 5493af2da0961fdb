// SPDX-License-Identifier: Apache-2.0
// Owners follow one another over the ranks, so that tasks of a sweep are decided on side by side.
#include "pipeline/run/running_task.h"

#include <stdlib.h>

#include "pipeline/base/checked.h"
#include "pipeline/base/progress.h"

running_task *running_task_new(task_run *t, const comm *c, size_t n_opened)
{
    running_task *a = checked_calloc(1, sizeof *a);
    if (!a)
        return NULL;
    a->of = t;
    a->owner = (int)(n_opened % (size_t)comm_ranks(c));
    a->round = a->saved_round = -1;
    a->started = progress_clock();
    return a;
}

void running_task_free(running_task *a)
{
    if (!a)
        return;
    if (a->state)
        a->of->task->stage->close(a->state);
    checkpoint_file_close(&a->from);
    free(a->before);
    free(a->vector.values);
    partial_free(a->sum);
    free(a);
}

status running_task_receive(running_task *a, const comm *c)
{
    size_t bytes = a->vector.length * sizeof *a->vector.values;
    void *values = a->vector.values;
    status st = comm_broadcast_block(c, a->owner, &values, &bytes);
    if (st != OK || comm_rank(c) == a->owner)
        return st;
    free(a->vector.values);
    a->vector =
        (round_state){values, bytes / sizeof *a->vector.values, bytes / sizeof *a->vector.values};
    return OK;
}
