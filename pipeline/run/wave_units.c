// SPDX-License-Identifier: Apache-2.0
// Costs become integers relative to the largest, so that every rank cuts the list at the same
// places, whatever its floating point does.
#include "pipeline/run/wave_units.h"

#include <stdlib.h>

#include "pipeline/base/checked.h"
#include "pipeline/schedule/work_queue.h"

void wave_units_append(wave_units *l, running_task *a)
{
    const int64_t n = a->plan.units - a->done;
    l->parts[l->n++] = (wave_part){.task = a, .first = l->units, .n = n};
    l->units += n;
}

double wave_units_cost(const running_task *a, int64_t unit)
{
    const stage_def *stage = a->of->task->stage;
    double cost = stage->cost ? stage->cost(a->state, &a->vector, unit) : 1;
    return cost > 0 ? cost : 0;
}

double wave_units_operations(const running_task *a)
{
    double operations = 0;
    for (int64_t u = 0; a->of->task->stage->cost && u < a->plan.units; u++)
        operations += wave_units_cost(a, u);
    return operations;
}

// The units that are left of a round that an earlier run began.
static status list_rest(wave_part *p)
{
    const running_task *a = p->task;
    int64_t n = 0;
    if (!a->before)
        return OK;
    if (!(p->rest = checked_calloc((size_t)p->n, sizeof *p->rest)))
        return status_no_memory("a list of units");
    for (int64_t u = 0; u < a->plan.units && n < p->n; u++)
        if (!(a->before[u / 64] >> u % 64 & 1))
            p->rest[n++] = u;
    return OK;
}

int64_t wave_units_number(const wave_part *p, int64_t at)
{
    return p->rest ? p->rest[at - p->first] : at - p->first;
}

static status add_up_costs(wave_units *l)
{
    double largest = 0;
    double *cost = checked_calloc((size_t)l->units, sizeof *cost);
    l->before = checked_calloc((size_t)l->units + 1, sizeof *l->before);
    if (!cost || !l->before) {
        free(cost);
        return status_no_memory("a list of units");
    }
    for (size_t i = 0; i < l->n; i++) {
        const wave_part *p = &l->parts[i];
        for (int64_t at = p->first; at < p->first + p->n; at++) {
            cost[at] = wave_units_cost(p->task, wave_units_number(p, at));
            largest = cost[at] > largest ? cost[at] : largest;
        }
    }
    for (int64_t at = 0; at < l->units; at++) {
        int64_t c = largest > 0 ? (int64_t)(cost[at] / largest * WORK_QUEUE_COST) : 1;
        l->before[at + 1] = l->before[at] + (c > 1 ? c : 1);
    }
    free(cost);
    return OK;
}

status wave_units_finish(wave_units *l)
{
    for (size_t i = 0; i < l->n; i++) {
        status st = list_rest(&l->parts[i]);
        if (st != OK)
            return st;
    }
    return add_up_costs(l);
}

void wave_units_free(wave_units *l)
{
    for (size_t i = 0; i < l->n; i++)
        free(l->parts[i].rest);
    free(l->before);
    free(l->parts);
    *l = (wave_units){0};
}

size_t wave_units_part(const wave_units *l, int64_t at)
{
    size_t low = 0, high = l->n; // the last part that begins at or before it
    while (high - low > 1) {
        size_t middle = low + (high - low) / 2;
        if (l->parts[middle].first <= at)
            low = middle;
        else
            high = middle;
    }
    return low;
}
