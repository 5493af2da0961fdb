// SPDX-License-Identifier: Apache-2.0
// Costs become integers relative to the largest, so that every rank cuts the list at the same
// places, whatever its floating point does.
#include "pipeline/run/wave_units.h"

#include <stdlib.h>

#include "pipeline/base/checked.h"
#include "pipeline/run/resource_use.h"
#include "pipeline/run/task_end.h"
#include "pipeline/schedule/work_queue.h"

static void append_task(wave_units *l, running_task *a)
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

static status number_units(wave_units *l)
{
    for (size_t i = 0; i < l->n; i++) {
        status st = list_rest(&l->parts[i]);
        if (st != OK)
            return st;
    }
    return add_up_costs(l);
}

// Do teams run its units, or ranks?
static bool runs_in_teams(const run *r, const running_task *a)
{
    return comm_team(r->comm) && a->of->task->stage->in_teams;
}

static void refuse_task(run *r, running_task *a, double bytes, double models)
{
    task_fail(r, a->of,
              status_fail(ERR_USAGE, a->of->task->label,
                          "its sums need %.3g GB of a node, `memory:` allows %.3g (%.3g less for "
                          "models); raise it, or select fewer subsets",
                          bytes * 1e-9, r->memory * 1e-9, models * 1e-9));
}

status wave_units_admit(run *r, wave_units *l, bool *teams, size_t *bytes)
{
    const double open = resource_use_beside(r->resources, NULL);
    l->parts = checked_calloc(r->n_running, sizeof *l->parts);
    l->lines = checked_calloc(r->n_running, sizeof *l->lines);
    if (!l->parts || !l->lines)
        return status_no_memory("a wave");
    for (size_t i = 0; i < r->dag->n; i++) {
        running_task *a = r->tasks[i].running;
        if (r->tasks[i].phase != PHASE_IN_ROUND)
            continue;
        const bool in_teams = runs_in_teams(r, a);
        const double models = resource_use_bytes(r->resources, a->of->task);
        size_t size = SIZE_MAX, total;
        if (a->plan.units >= 0)
            size = running_task_bytes(a);
        const double sums = in_teams ? 2 : 1;
        if (size == SIZE_MAX || sums * (double)size + models > r->memory) {
            refuse_task(r, a, sums * (double)size, models);
            continue;
        }
        if (!checked_add(*bytes, size, &total) ||
            (l->n > 0 && sums * (double)total + open > r->memory) ||
            a->plan.units - a->done > WORK_QUEUE_UNITS - l->units ||
            (l->n > 0 && in_teams != *teams))
            continue;
        *teams = in_teams;
        append_task(l, a);
        *bytes = total;
    }
    return number_units(l);
}

void wave_units_free(wave_units *l)
{
    for (size_t i = 0; i < l->n; i++)
        free(l->parts[i].rest);
    free(l->before);
    free(l->parts);
    free(l->lines);
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

int64_t wave_units_together(void *list, int64_t at)
{
    const wave_units *l = list;
    const wave_part *p = &l->parts[wave_units_part(l, at)];
    const running_task *a = p->task;
    const stage_def *stage = a->of->task->stage;
    if (!stage->together || at == p->first)
        return 1;
    const int64_t unit = wave_units_number(p, at);
    return wave_units_number(p, at - 1) == unit - 1 ? stage->together(a->state, &a->vector, unit)
                                                    : 1;
}
