// SPDX-License-Identifier: Apache-2.0
// A step's tasks are the product of its own sweep with all combinations of upstream tasks that
// agree, made one input after the other and cut down at once, so that what is never wanted is never
// built.
#include "pipeline/dag/expand.h"

#include <stdlib.h>
#include <string.h>

#include "pipeline/base/checked.h"
#include "pipeline/base/text.h"
#include "pipeline/dag/sweep_point.h"
#include "pipeline/dag/task_make.h"

// A step while it is expanded.
typedef struct expansion {
    dag *d;
    const step *step;
    const task_range *ranges;
    param_context context; // in the dag's memory
    arena scratch;
    sweep sweep;
    const task_axis *axes; // of a point: all have the same names
    size_t n_axes;
    sweep_points points;
} expansion;

// Tasks of one input that its selections leave, and which of their axes are still to be matched.
typedef struct candidates {
    task **at;
    size_t n;
    size_t *axis;
    size_t n_axes;
} candidates;

static bool find_axis(const task_axis *axes, size_t n, const char *name, size_t *i)
{
    for (*i = 0; *i < n; ++*i)
        if (strcmp(axes[*i].name, name) == 0)
            return true;
    return false;
}

static const task *first_task(const expansion *e, const step_input *in)
{
    return e->d->tasks[e->ranges[in->step].first];
}

static bool is_selected(const step_input *in, const char *axis)
{
    for (size_t i = 0; i < in->n_selected; i++)
        if (strcmp(in->axis[i], axis) == 0)
            return true;
    return false;
}

status expand_canonical(dag *d, const param_def *def, const char *typed, location at,
                        const char **out)
{
    param_context c = {&d->memory, d->file->folder, d->file->here};
    param_value v;
    status st = param_value_read_text(&c, def, typed, at, &v);
    if (st == OK)
        *out = v.canonical;
    return st;
}

// Reads the step's own keys, knowing the axes upstream.
static status read_sweep(expansion *e)
{
    size_t n = 0, most = 0, known;
    for (size_t i = 0; i < e->step->n_inputs; i++)
        most += first_task(e, &e->step->inputs[i])->n_axes;
    task_axis *upstream = arena_alloc(&e->scratch, most, sizeof *upstream);
    if (!upstream)
        return status_no_memory("a sweep");
    for (size_t i = 0; i < e->step->n_inputs; i++) {
        const step_input *in = &e->step->inputs[i];
        const task *t = first_task(e, in);
        for (size_t k = 0; k < t->n_axes; k++)
            if (!is_selected(in, t->axes[k].name) &&
                !find_axis(upstream, n, t->axes[k].name, &known))
                upstream[n++] = t->axes[k];
    }
    return sweep_read(&e->context, e->step, upstream, n, &e->sweep);
}

static status unknown_axis(const task *t, const char *axis, location at)
{
    const char *axes[16];
    size_t n = 0;
    for (; n < t->n_axes && n < 16; n++)
        axes[n] = t->axes[n].name;
    const char *nearest = text_nearest(axis, axes, n);
    if (n == 0)
        return location_fail(ERR_USAGE, at, "step `%s` is not swept; write it without brackets",
                             t->step->name);
    return location_fail(ERR_USAGE, at, "step `%s` is not swept over `%s`; %s `%s`", t->step->name,
                         axis, nearest ? "did you mean" : "its first axis is",
                         nearest ? nearest : axes[0]);
}

static status no_such_value(const expansion *e, const step_input *in, size_t axis,
                            const char *canonical, location at)
{
    const task_range *range = &e->ranges[in->step];
    const task *t = first_task(e, in);
    text known = {0};
    names seen = {0};
    size_t before, n = 0;
    bool complete = true;
    for (size_t i = 0; i < range->n && n < 8; i++) {
        const task_axis *a = &e->d->tasks[range->first + i]->axes[axis];
        if (names_get(&seen, a->canonical, &before))
            continue;
        complete = complete && names_put(&seen, a->canonical, i);
        text_addf(&known, "%s%s", n++ ? ", " : "", a->value);
    }
    status st = !complete || known.failed
                    ? status_no_memory("a message")
                    : location_fail(ERR_USAGE, at, "no task of `%s` has %s=%s; choose from %s",
                                    t->step->name, t->axes[axis].name, canonical, text_get(&known));
    names_free(&seen);
    text_free(&known);
    return st;
}

// Leaves the candidates whose value of an axis is `canonical`.
static status keep_value(const expansion *e, const step_input *in, candidates *c, size_t axis,
                         const char *canonical, location at)
{
    size_t kept = 0;
    for (size_t i = 0; i < c->n; i++)
        if (strcmp(c->at[i]->axes[axis].canonical, canonical) == 0)
            c->at[kept++] = c->at[i];
    c->n = kept;
    return kept ? OK : no_such_value(e, in, axis, canonical, at);
}

static status select_named(expansion *e, const step_input *in, candidates *c)
{
    const task *t = first_task(e, in);
    for (size_t i = 0; i < in->n_selected; i++) {
        const char *canonical;
        size_t axis;
        if (!find_axis(t->axes, t->n_axes, in->axis[i], &axis))
            return unknown_axis(t, in->axis[i], in->at);
        status st = expand_canonical(e->d, t->axes[axis].def, in->value[i], in->at, &canonical);
        if (st == OK)
            st = keep_value(e, in, c, axis, canonical, in->at);
        if (st != OK)
            return st;
    }
    return OK;
}

// The tasks of an input after `[axis=value]` and after the single values the step gives.
static status find_candidates(expansion *e, const step_input *in, candidates *c)
{
    const task_range *range = &e->ranges[in->step];
    const task *t = first_task(e, in);
    *c = (candidates){.at = arena_alloc(&e->scratch, range->n, sizeof *c->at),
                      .axis = arena_alloc(&e->scratch, t->n_axes, sizeof *c->axis),
                      .n = range->n};
    if (!c->at || !c->axis)
        return status_no_memory("a sweep");
    memcpy(c->at, e->d->tasks + range->first, range->n * sizeof *c->at);
    status st = select_named(e, in, c);
    for (size_t axis = 0; st == OK && axis < t->n_axes; axis++) {
        const sweep_axis *own = NULL;
        if (is_selected(in, t->axes[axis].name))
            continue;
        for (size_t i = 0; i < e->sweep.n; i++)
            if (strcmp(e->sweep.axes[i].name, t->axes[axis].name) == 0)
                own = &e->sweep.axes[i];
        if (own && own->single)
            st = keep_value(e, in, c, axis, own->values[0].canonical, own->at);
        else
            c->axis[c->n_axes++] = axis;
    }
    return st;
}

// The values on shared axes as one text, lengths before them so that no two look alike.
static const char *match_key(arena *scratch, const task_axis *axes, const size_t *which, size_t n)
{
    text t = {0};
    for (size_t i = 0; i < n; i++)
        text_addf(&t, "%zu:%s", strlen(axes[which[i]].canonical), axes[which[i]].canonical);
    const char *key = t.failed ? NULL : arena_text(scratch, text_get(&t), t.length);
    text_free(&t);
    return key;
}

// How the axes of the points so far and of an input's candidates meet.
typedef struct meeting {
    size_t *left, *right; // shared axes: index in the points' axes, in the candidates'
    size_t shared;
    size_t *added; // axes only the candidates have
    size_t n_added;
} meeting;

static status meet_axes(expansion *e, const candidates *c, meeting *m)
{
    const task *t = c->at[0];
    *m = (meeting){.left = arena_alloc(&e->scratch, c->n_axes, sizeof *m->left),
                   .right = arena_alloc(&e->scratch, c->n_axes, sizeof *m->right),
                   .added = arena_alloc(&e->scratch, c->n_axes, sizeof *m->added)};
    if (!m->left || !m->right || !m->added)
        return status_no_memory("a sweep");
    for (size_t i = 0; i < c->n_axes; i++) {
        size_t left;
        if (find_axis(e->axes, e->n_axes, t->axes[c->axis[i]].name, &left)) {
            m->left[m->shared] = left;
            m->right[m->shared++] = c->axis[i];
        } else {
            m->added[m->n_added++] = c->axis[i];
        }
    }
    return OK;
}

// Pairs every point with every candidate that has its values on the shared axes.
static status pair_all(expansion *e, const candidates *c, const meeting *m, names *index,
                       sweep_points *out)
{
    const size_t none = (size_t)-1;
    size_t *next = arena_alloc(&e->scratch, c->n, sizeof *next);
    if (!next)
        return status_no_memory("a sweep");
    for (size_t i = c->n; i-- > 0;) { // backwards, so that chains run forwards
        const char *key = match_key(&e->scratch, c->at[i]->axes, m->right, m->shared);
        next[i] = none;
        if (key)
            names_get(index, key, &next[i]);
        if (!key || !names_put(index, key, i))
            return status_no_memory("a sweep");
    }
    for (size_t p = 0; p < e->points.n; p++) {
        const sweep_point *left = e->points.at[p];
        const char *key = match_key(&e->scratch, left->axes, m->left, m->shared);
        size_t i;
        if (!key)
            return status_no_memory("a sweep");
        for (i = names_get(index, key, &i) ? i : none; i != none; i = next[i]) {
            sweep_point added = {.parent = left, .input = c->at[i], .axes = left->axes};
            status st = sweep_point_extend_axes(&e->d->memory, &added, e->n_axes, c->at[i]->axes,
                                                m->added, m->n_added);
            if (st == OK)
                st = sweep_points_add(out, &e->scratch, e->step, &added);
            if (st != OK)
                return st;
        }
    }
    return OK;
}

static status nothing_agrees(const expansion *e, const step_input *in, const meeting *m)
{
    return location_fail(ERR_USAGE, in->at,
                         "no task of `%s` agrees with the inputs before it on `%s`; "
                         "give them common values, or select with `[%s=…]`",
                         e->d->file->steps[in->step].name, e->axes[m->left[0]].name,
                         e->axes[m->left[0]].name);
}

// Joins one input to the points.
static status join_input(expansion *e, const step_input *in)
{
    candidates c;
    meeting m;
    names index = {0};
    sweep_points joined = {0};
    status st;
    TRY(find_candidates(e, in, &c));
    TRY(meet_axes(e, &c, &m));
    TRY(pair_all(e, &c, &m, &index, &joined));
    if (joined.n == 0) {
        st = nothing_agrees(e, in, &m);
        goto done;
    }
    e->axes = joined.at[0]->axes;
    e->n_axes += m.n_added;
    sweep_points_free(&e->points);
    e->points = joined;
    joined = (sweep_points){0};
done:
    names_free(&index);
    sweep_points_free(&joined);
    return st;
}

// A list under the name of an axis the points have: keeps those with its values.
static status match_values(expansion *e, const sweep_axis *own, size_t axis, sweep_points *out)
{
    status st = OK;
    names index = {0};
    bool *used = arena_alloc(&e->scratch, own->n, sizeof *used);
    size_t v = 0;
    bool room = used != NULL;
    for (size_t i = 0; room && i < own->n; i++)
        room = names_put(&index, own->values[i].canonical, i);
    if (!room) {
        st = status_no_memory("a sweep");
        goto done;
    }
    for (size_t p = 0; p < e->points.n; p++) {
        const sweep_point *left = e->points.at[p];
        if (!names_get(&index, left->axes[axis].canonical, &v))
            continue;
        const sweep_point matched = {left, NULL, own, &own->values[v], left->axes};
        used[v] = true;
        TRY(sweep_points_add(out, &e->scratch, e->step, &matched));
    }
    for (v = 0; v < own->n; v++)
        if (!used[v]) {
            st =
                location_fail(ERR_USAGE, own->values[v].at, "no upstream task has %s=%s; remove it",
                              own->name, own->values[v].typed);
            goto done;
        }
done:
    names_free(&index);
    return st;
}

// An axis of the step's own: every point with every value, the last axis fastest.
static status cross_values(expansion *e, const sweep_axis *own, sweep_points *out)
{
    static const size_t first = 0;
    for (size_t p = 0; p < e->points.n; p++)
        for (size_t v = 0; v < own->n; v++) {
            const param_value *value = &own->values[v];
            const task_axis axis = {own->name, value->typed, value->canonical, own->def};
            sweep_point crossed = {e->points.at[p], NULL, own, value, e->points.at[p]->axes};
            status st =
                sweep_point_extend_axes(&e->d->memory, &crossed, e->n_axes, &axis, &first, 1);
            if (st == OK)
                st = sweep_points_add(out, &e->scratch, e->step, &crossed);
            if (st != OK)
                return st;
        }
    e->n_axes++;
    return OK;
}

static status apply_axis(expansion *e, const sweep_axis *own)
{
    sweep_points applied = {0};
    size_t axis;
    if (own->single)
        return OK;
    status st = find_axis(e->axes, e->n_axes, own->name, &axis)
                    ? match_values(e, own, axis, &applied)
                    : cross_values(e, own, &applied);
    if (st == OK) {
        sweep_points_free(&e->points);
        e->points = applied;
        e->axes = applied.at[0]->axes;
    } else {
        sweep_points_free(&applied);
    }
    return st;
}

status expand_step(dag *d, size_t index, const task_range *ranges, size_t *capacity)
{
    expansion e = {.d = d, .step = &d->file->steps[index], .ranges = ranges};
    const sweep_point start = {0};
    status st;
    e.context = (param_context){&d->memory, d->file->folder, d->file->here};
    TRY(read_sweep(&e));
    TRY(params_require(e.sweep.base));
    TRY(sweep_points_add(&e.points, &e.scratch, e.step, &start));
    for (size_t i = 0; i < e.step->n_inputs; i++)
        TRY(join_input(&e, &e.step->inputs[i]));
    for (size_t i = 0; i < e.sweep.n; i++)
        TRY(apply_axis(&e, &e.sweep.axes[i]));
    if (d->n + e.points.n > DAG_TASKS) {
        st = location_fail(ERR_USAGE, e.step->at,
                           "the pipeline makes more than %d tasks; sweep over less", DAG_TASKS);
        goto done;
    }
    if (!checked_grow(&d->tasks, capacity, d->n + e.points.n, sizeof *d->tasks)) {
        st = status_no_memory("the tasks");
        goto done;
    }
    for (size_t i = 0; i < e.points.n; i++) {
        TRY(task_make(d, e.step, &e.sweep, e.points.at[i], e.n_axes, &d->tasks[d->n]));
        d->n++;
    }
done:
    sweep_points_free(&e.points);
    arena_free(&e.scratch);
    return st;
}
