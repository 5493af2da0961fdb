// SPDX-License-Identifier: Apache-2.0
// Defaults are YAML text in the tables and read like a user's: one way to make a value.
#include "pipeline/config/param_check.h"

#include <stdlib.h>
#include <string.h>

#include "pipeline/base/checked.h"
#include "pipeline/base/text.h"

// A default is YAML text.
static status read_default(const param_context *c, const param_def *def, location at,
                           param_value *out)
{
    const node *n;
    status st = tree_parse(c->memory, "default", false, def->value, strlen(def->value), &n);
    if (st == OK)
        st = param_value_read(c, def, n, out);
    out->at = at;
    out->given = false;
    return st;
}

status params_new(const param_context *c, const param_def *defs, location at, const char *what,
                  params **out)
{
    params *p = arena_alloc(c->memory, 1, sizeof *p);
    size_t n = param_table_size(defs);
    param_value *values = arena_alloc(c->memory, n, sizeof *values);
    if (!p || !values)
        return status_no_memory("parameters");
    *p = (params){.defs = defs, .n = n, .value = values, .at = at, .what = what};
    for (size_t i = 0; i < n; i++) {
        if (!defs[i].value)
            continue;
        if (read_default(c, &defs[i], at, &values[i]) != OK)
            return status_fail(ERR_INTERNAL, defs[i].name, "bad default `%s`; mend the table",
                               defs[i].value);
    }
    *out = p;
    return OK;
}

status params_copy(const param_context *c, const params *p, params **out)
{
    params *copy = arena_alloc(c->memory, 1, sizeof *copy);
    param_value *values = arena_alloc(c->memory, p->n, sizeof *values);
    if (!copy || !values)
        return status_no_memory("parameters");
    *copy = *p;
    copy->value = values;
    if (p->n > 0)
        memcpy(values, p->value, p->n * sizeof *values);
    *out = copy;
    return OK;
}

status params_set(const param_context *c, params *p, size_t i, const node *n)
{
    return param_value_read(c, &p->defs[i], n, &p->value[i]);
}

status params_require(const params *p)
{
    for (size_t i = 0; i < p->n; i++)
        if (p->defs[i].required && !p->value[i].present && p->defs[i].type != PARAM_RESOURCE)
            return location_fail(ERR_USAGE, p->at, "%s has no `%s`; add it (%s)", p->what,
                                 p->defs[i].name, p->defs[i].help ? p->defs[i].help : "required");
    return OK;
}

status params_read(const param_context *c, const param_def *defs, const node *map, location at,
                   const char *what, params **out)
{
    size_t n = param_table_size(defs), found;
    status st;
    const char **candidates = checked_calloc(n, sizeof *candidates);
    if (!candidates)
        return status_no_memory("parameters");
    for (size_t i = 0; i < n; i++)
        candidates[i] = defs[i].name;
    if (map->kind != NODE_MAP) {
        st = location_fail(ERR_USAGE, map->at, "%s is %s; write a mapping of `key: value`", what,
                           node_kind_name(map));
        goto done;
    }
    TRY(params_new(c, defs, at, what, out));
    for (size_t i = 0; i < map->n; i++) {
        const node_pair *pair = &map->pair[i];
        if (!param_table_find(defs, pair->key, &found)) {
            st = params_unknown(pair->key_at, what, pair->key, candidates, n);
            goto done;
        }
        TRY(params_set(c, *out, found, pair->value));
    }
    TRY(params_require(*out));
done:
    free(candidates);
    return st;
}

status params_unknown(location at, const char *what, const char *key, const char *const *candidates,
                      size_t n)
{
    const char *nearest = text_nearest(key, candidates, n);
    if (nearest)
        return location_fail(ERR_USAGE, at, "unknown key `%s` in %s; did you mean `%s`?", key, what,
                             nearest);
    text all = {0};
    for (size_t i = 0; i < n; i++)
        text_addf(&all, "%s%s", i ? ", " : "", candidates[i]);
    status st = location_fail(ERR_USAGE, at, "unknown key `%s` in %s; it takes %s", key, what,
                              n ? text_get(&all) : "none");
    text_free(&all);
    return st;
}
