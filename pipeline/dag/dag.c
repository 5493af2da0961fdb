// SPDX-License-Identifier: Apache-2.0
#include "pipeline/dag/dag.h"

#include <stdlib.h>
#include <string.h>

#include "pipeline/base/checked.h"
#include "pipeline/base/text.h"
#include "pipeline/config/reference.h"
#include "pipeline/dag/expand.h"

// A depth-first walk over steps, with a stack of its own: chains may be long.
typedef struct walk {
    const pipeline_file *file;
    enum { UNSEEN, OPEN, CLOSED } * state;
    size_t *stack, *next; // steps being visited, and the input of each that comes next
    size_t depth;
    size_t *order; // upstream first
    size_t n;
} walk;

static status cycle(const walk *w, size_t again)
{
    const step *s = w->file->steps;
    text path = {0};
    size_t i = w->depth, shown = 0;
    text_add(&path, s[again].name);
    while (i-- > 0) { // from the top of the stack down: in the direction of the data
        if (shown++ < 20)
            text_addf(&path, " -> %s", s[w->stack[i]].name);
        if (w->stack[i] == again)
            break;
    }
    text_add(&path, shown > 20 ? " -> …" : "");
    const step *top = &s[w->stack[w->depth - 1]];
    status st =
        location_fail(ERR_USAGE, top->inputs[w->next[w->depth - 1] - 1].at,
                      "the steps form a cycle, %s; remove one `from` of it", text_get(&path));
    text_free(&path);
    return st;
}

static status visit(walk *w, size_t root)
{
    if (w->state[root] != UNSEEN)
        return OK;
    w->stack[0] = root;
    w->next[0] = 0;
    w->depth = 1;
    w->state[root] = OPEN;
    while (w->depth > 0) {
        size_t top = w->stack[w->depth - 1];
        const step *s = &w->file->steps[top];
        if (w->next[w->depth - 1] == s->n_inputs) {
            w->state[top] = CLOSED;
            w->order[w->n++] = top;
            w->depth--;
            continue;
        }
        size_t up = s->inputs[w->next[w->depth - 1]++].step;
        if (w->state[up] == OPEN)
            return cycle(w, up);
        if (w->state[up] == UNSEEN) {
            w->state[up] = OPEN;
            w->stack[w->depth] = up;
            w->next[w->depth++] = 0;
        }
    }
    return OK;
}

// The steps, upstream first, otherwise as in the file. order[n_steps] is the caller's.
static status order_steps(const pipeline_file *f, size_t *order)
{
    status st = OK;
    walk w = {.file = f, .order = order};
    w.state = checked_calloc(f->n_steps, sizeof *w.state);
    w.stack = checked_calloc(f->n_steps, sizeof *w.stack);
    w.next = checked_calloc(f->n_steps, sizeof *w.next);
    if (!w.state || !w.stack || !w.next) {
        st = status_no_memory("the steps");
        goto done;
    }
    for (size_t i = 0; i < f->n_steps; i++)
        TRY(visit(&w, i));
done:
    free(w.state);
    free(w.stack);
    free(w.next);
    return st;
}

status dag_new(pipeline_file *f, dag **out)
{
    status st;
    size_t capacity = 0;
    dag *d = calloc(1, sizeof *d);
    size_t *order = checked_calloc(f->n_steps, sizeof *order);
    task_range *ranges = checked_calloc(f->n_steps, sizeof *ranges);
    if (!d || !order || !ranges) {
        st = status_no_memory("the tasks");
        goto done;
    }
    d->file = f;
    TRY(order_steps(f, order));
    for (size_t i = 0; i < f->n_steps; i++) {
        size_t first = d->n;
        TRY(expand_step(d, order[i], ranges, &capacity));
        ranges[order[i]] = (task_range){first, d->n - first};
    }
    *out = d;
    d = NULL;
done:
    free(order);
    free(ranges);
    dag_free(d);
    return st;
}

void dag_free(dag *d)
{
    if (!d)
        return;
    names_free(&d->label_index);
    free(d->tasks);
    arena_free(&d->memory);
    free(d);
}

// Has the task the selected values? The values are made canonical once, at the first task of the
// step.
static status agrees(dag *d, const task *t, reference *r, bool first, location at, bool *out)
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
static status choose(dag *d, const char *option, const char *typed, bool *chosen)
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
        st = agrees(d, d->tasks[i], &r, first, at, &chosen[i]);
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
    bool *force = checked_calloc(d->n, sizeof *force);
    if (!from || !only || !force) {
        st = status_no_memory("a selection");
        goto done;
    }
    if (s->from)
        TRY(choose(d, "--from", s->from, from));
    if (s->only)
        TRY(choose(d, "--only", s->only, only));
    if (s->force)
        TRY(choose(d, "--force", s->force, force));
    for (size_t i = 0; i < d->n; i++) {
        task *t = d->tasks[i];
        for (size_t k = 0; k < t->n_inputs; k++)
            from[i] |= from[t->inputs[k]->index];
        t->selected = (!s->from || from[i]) && (!s->only || only[i]);
        t->forced = force[i];
    }
done:
    free(from);
    free(only);
    free(force);
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
