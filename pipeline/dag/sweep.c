// SPDX-License-Identifier: Apache-2.0
// A key of a step is a parameter, an axis of its own, or an upstream axis to match: which of these
// is decided here, from the stage's table and the axes that come from upstream.
#include "pipeline/dag/sweep.h"

#include <stdlib.h>
#include <string.h>

#include "pipeline/base/checked.h"
#include "pipeline/base/names.h"

static const task_axis *find_axis(const task_axis *axes, size_t n, const char *name)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(axes[i].name, name) == 0)
            return &axes[i];
    return NULL;
}

// Fills the values of an axis from a value or a list; the same one twice would be two tasks with
// one result.
static status read_values(const param_context *c, const node *n, sweep_axis *axis)
{
    status st = OK;
    names seen = {0};
    size_t before;
    axis->single = n->kind != NODE_LIST;
    axis->n = axis->single ? 1 : n->n;
    param_value *values = arena_alloc(c->memory, axis->n, sizeof *values);
    if (!values)
        return status_no_memory("a sweep");
    axis->values = values;
    if (axis->n == 0)
        return location_fail(ERR_USAGE, n->at,
                             "`%s` sweeps over nothing; give a value, or a list of them",
                             axis->name);
    for (size_t i = 0; i < axis->n; i++) {
        const node *item = axis->single ? n : n->item[i];
        if (item->kind == NODE_LIST && !param_is_list(axis->def->type)) {
            st = location_fail(ERR_USAGE, item->at,
                               "`%s` has a list inside its list; write one list", axis->name);
            goto done;
        }
        TRY(param_value_read(c, axis->def, item, &values[i]));
        if (names_get(&seen, values[i].canonical, &before)) {
            st = location_fail(ERR_USAGE, item->at, "`%s` lists %s twice; remove one", axis->name,
                               values[i].typed);
            goto done;
        }
        if (!names_put(&seen, values[i].canonical, i)) {
            st = status_no_memory("a sweep");
            goto done;
        }
    }
done:
    names_free(&seen);
    return st;
}

static status unknown_key(const step *s, const sweep *w, const node_pair *pair,
                          const task_axis *upstream, size_t n_upstream)
{
    size_t n = 0, engine = param_table_size(step_params), own = w->base->n;
    const char **known = checked_calloc(engine + own + n_upstream, sizeof *known);
    if (!known)
        return status_no_memory("a message");
    for (size_t i = 0; i < own; i++)
        known[n++] = s->stage->params[i].name;
    for (size_t i = 0; i < engine; i++)
        known[n++] = step_params[i].name;
    for (size_t i = 0; i < n_upstream; i++)
        known[n++] = upstream[i].name;
    status st = params_unknown(pair->key_at, w->what, pair->key, known, n);
    free(known);
    return st;
}

// Is it a list of lists, for a parameter that takes a list?
static bool sweeps_lists(const param_def *def, const node *n)
{
    bool all = def->type != PARAM_FROM && n->kind == NODE_LIST && n->n > 0;
    for (size_t i = 0; all && i < n->n; i++)
        all = n->item[i]->kind == NODE_LIST;
    return all;
}

static status read_key(const param_context *c, const step *s, const node_pair *pair,
                       const task_axis *upstream, size_t n_upstream, sweep *w)
{
    const task_axis *matched = find_axis(upstream, n_upstream, pair->key);
    sweep_axis axis = {.name = pair->key, .at = pair->value->at};
    bool own = param_table_find(s->stage->params, pair->key, &axis.param);
    if (!own && !matched)
        return unknown_key(s, w, pair, upstream, n_upstream);
    axis.def = own ? &s->stage->params[axis.param] : matched->def;
    bool takes_one = !param_is_list(axis.def->type) || sweeps_lists(axis.def, pair->value);
    if (own && (!takes_one || (!matched && pair->value->kind != NODE_LIST)))
        return params_set(c, w->base, axis.param, pair->value);
    status st = read_values(c, pair->value, &axis);
    if (st != OK)
        return st;
    if (own)
        w->base->value[axis.param] = axis.values[0];
    else
        axis.param = SWEEP_NO_PARAM;
    w->axes[w->n++] = axis;
    return OK;
}

status sweep_read(const param_context *c, const step *s, const task_axis *upstream,
                  size_t n_upstream, sweep *out)
{
    size_t engine;
    *out = (sweep){.axes = arena_alloc(c->memory, s->node->n, sizeof *out->axes),
                   .what = arena_format(c->memory, "step `%s`", s->name)};
    if (!out->axes || !out->what)
        return status_no_memory("a sweep");
    status st = params_new(c, s->stage->params, s->at, out->what, &out->base);
    for (size_t i = 0; st == OK && i < s->node->n; i++)
        if (!param_table_find(step_params, s->node->pair[i].key, &engine) ||
            param_table_find(s->stage->params, s->node->pair[i].key, &engine))
            st = read_key(c, s, &s->node->pair[i], upstream, n_upstream, out);
    return st;
}
