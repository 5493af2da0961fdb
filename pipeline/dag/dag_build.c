// SPDX-License-Identifier: Apache-2.0
// Steps are ordered upstream first, by a walk that finds cycles, and then each is expanded once all
// it is `from` has been.
#include "pipeline/dag/dag_build.h"

#include <stdlib.h>

#include "pipeline/base/checked.h"
#include "pipeline/base/text.h"
#include "pipeline/dag/effective.h"
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

static status fail_cycle(const walk *w, size_t again)
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

static status visit_step(walk *w, size_t root)
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
            return fail_cycle(w, up);
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
        TRY(visit_step(&w, i));
done:
    free(w.state);
    free(w.stack);
    free(w.next);
    return st;
}

status dag_build(pipeline_file *f, dag **out)
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
    TRY(effective_write(f));
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
