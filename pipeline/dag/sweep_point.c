// SPDX-License-Identifier: Apache-2.0
// Points form chains to their parents, since a sweep of many inputs would otherwise copy every list
// of inputs for every task.
#include "pipeline/dag/sweep_point.h"

#include <stdlib.h>
#include <string.h>

#include "pipeline/base/checked.h"
#include "pipeline/dag/dag.h"

status sweep_points_add(sweep_points *list, arena *memory, const step *s, const sweep_point *p)
{
    if (list->n == DAG_TASKS)
        return location_fail(ERR_USAGE, s->at,
                             "step `%s` makes more than %d tasks; sweep over less", s->name,
                             DAG_TASKS);
    sweep_point *copy = arena_alloc(memory, 1, sizeof *copy);
    if (!copy || !checked_grow(&list->at, &list->capacity, list->n + 1, sizeof *list->at))
        return status_no_memory("a sweep");
    *copy = *p;
    list->at[list->n++] = copy;
    return OK;
}

void sweep_points_free(sweep_points *list)
{
    free(list->at);
    *list = (sweep_points){0};
}

status sweep_point_extend_axes(arena *memory, sweep_point *p, size_t n, const task_axis *axes,
                               const size_t *which, size_t n_which)
{
    if (n_which == 0)
        return OK;
    task_axis *all = arena_alloc(memory, n + n_which, sizeof *all);
    if (!all)
        return status_no_memory("a sweep");
    if (n > 0)
        memcpy(all, p->axes, n * sizeof *all);
    for (size_t i = 0; i < n_which; i++)
        all[n + i] = axes[which[i]];
    p->axes = all;
    return OK;
}
