// SPDX-License-Identifier: Apache-2.0
// A selected value is compared as the axis's own parameter reads it: `0.50` names `drop=0.5`.
#include "pipeline/dag/dag_select.h"

#include <stdlib.h>
#include <string.h>

#include "pipeline/base/checked.h"
#include "pipeline/base/text.h"
#include "pipeline/config/reference.h"
#include "pipeline/dag/expand.h"

// Has the task the selected values? The values are made canonical once, at the first task of the
// step.
static status task_agrees(dag *d, const task *t, reference *r, bool first, location at, bool *out)
{
    *out = true;
    for (size_t i = 0; i < r->n; i++) {
        size_t axis = 0;
        while (axis < t->n_axes && strcmp(t->axes[axis].name, r->axis[i]) != 0)
            axis++;
        if (axis == t->n_axes)
            return location_fail(ERR_USAGE, at,
                                 "step `%s` is not swept over `%s`; `sulcus plan` lists "
                                 "its tasks",
                                 r->step, r->axis[i]);
        if (first) {
            status st = expand_canonical(d, t->axes[axis].def, r->value[i], at, &r->value[i]);
            if (st != OK)
                return st;
        }
        *out = *out && strcmp(t->axes[axis].canonical, r->value[i]) == 0;
    }
    return OK;
}

// Marks the tasks that `typed` names in chosen[d->n].
static status choose_tasks(dag *d, const char *option, const char *typed, bool *chosen)
{
    reference r;
    const location at = {.origin = option};
    size_t step_index, n = 0;
    bool first = true;
    status st = reference_parse(&d->memory, typed, at, &r);
    if (st == OK)
        st = pipeline_file_find_step(d->file, r.step, at, &step_index);
    for (size_t i = 0; st == OK && i < d->n; i++) {
        if (d->tasks[i]->step != &d->file->steps[step_index])
            continue;
        st = task_agrees(d, d->tasks[i], &r, first, at, &chosen[i]);
        first = false;
        n += chosen[i];
    }
    if (st == OK && n == 0)
        return location_fail(ERR_USAGE, at, "`%s` names no task; `sulcus plan` lists them", typed);
    return st;
}

status dag_select(dag *d, const dag_selection *s)
{
    status st = OK;
    bool *from = checked_calloc(d->n, sizeof *from), *only = checked_calloc(d->n, sizeof *only);
    bool *force = checked_calloc(d->n, sizeof *force), *to = checked_calloc(d->n, sizeof *to);
    if (!from || !only || !force || !to) {
        st = status_no_memory("a selection");
        goto done;
    }
    if (s->from)
        TRY(choose_tasks(d, "--from", s->from, from));
    if (s->only)
        TRY(choose_tasks(d, "--only", s->only, only));
    if (s->force)
        TRY(choose_tasks(d, "--force", s->force, force));
    if (s->to)
        TRY(choose_tasks(d, "--to", s->to, to));
    for (size_t i = d->n; i-- > 0;)
        for (size_t k = 0; to[i] && k < d->tasks[i]->n_inputs; k++)
            to[d->tasks[i]->inputs[k]->index] = true;
    for (size_t i = 0; i < d->n; i++) {
        task *t = d->tasks[i];
        for (size_t k = 0; k < t->n_inputs; k++)
            from[i] |= from[t->inputs[k]->index];
        t->selected = (!s->from || from[i]) && (!s->only || only[i]) && (!s->to || to[i]);
        t->forced = force[i];
    }
done:
    free(from);
    free(only);
    free(force);
    free(to);
    return st;
}

status dag_find(const dag *d, const char *label, task **out)
{
    size_t i, n = 0;
    if (names_get(&d->label_index, label, &i)) {
        *out = d->tasks[i];
        return OK;
    }
    const char **known = checked_calloc(d->n, sizeof *known);
    if (!known)
        return status_no_memory("a message");
    for (i = 0; i < d->n; i++) {
        known[i] = d->tasks[i]->label;
        if (strcmp(d->tasks[i]->step->name, label) == 0) {
            *out = d->tasks[i];
            n++;
        }
    }
    const char *nearest = text_nearest(label, known, d->n);
    free(known);
    if (n == 1)
        return OK;
    if (n > 1)
        return status_fail(ERR_USAGE, label, "this step has %zu tasks; name one, such as %s", n,
                           (*out)->label);
    return status_fail(ERR_USAGE, label, "there is no such task; %s%s%s",
                       nearest ? "did you mean " : "`sulcus plan` lists them",
                       nearest ? nearest : "", nearest ? "?" : "");
}
