// SPDX-License-Identifier: Apache-2.0
// Done on the tree, before anything is checked: what follows sees entries and lists as if they had
// been typed.
#include "pipeline/dag/families.h"

#include <string.h>

#include "pipeline/base/names.h"
#include "pipeline/config/location.h"
#include "pipeline/config/param_table.h"
#include "pipeline/config/param_value.h"
#include "pipeline/dag/registry_find.h"

enum { MOST = 1000 }; // of a family

// The names of an entry's family: `n` of them, or the entry's own.
typedef struct family {
    const char *section, *name;
    const char **members;
    size_t n;
} family;

typedef struct families {
    arena *memory;
    family *all;
    size_t n;
} families;

static bool sweeps(const param_def *table, const node_pair *p)
{
    size_t i;
    return p->value->kind == NODE_LIST && p->value->n > 0 && param_table_find(table, p->key, &i) &&
           !param_is_list(table[i].type);
}

static const stage_def *stage_of(const registry *r, const node *step)
{
    const node *name = step->kind == NODE_MAP ? node_get(step, "stage") : NULL;
    return name && name->kind == NODE_SCALAR ? registry_stage(r, name->text) : NULL;
}

// How many members an entry has, MOST + 1 for all above that; 0: it does not sweep.
static size_t count_members(const param_def *table, const node *entry)
{
    size_t n = 0;
    for (size_t i = 0; entry->kind == NODE_MAP && i < entry->n; i++)
        if (sweeps(table, &entry->pair[i]))
            n = n > MOST ? n : (n ? n : 1) * entry->pair[i].value->n;
    return n > MOST ? MOST + 1 : n;
}

// Member `k` of an entry: each swept key with one of its values, the last one fastest; and its name.
static status make_member(families *f, const param_def *table, const node_pair *entry, size_t k,
                          node_pair *out)
{
    node *map = arena_alloc(f->memory, 1, sizeof *map);
    node_pair *pairs = arena_alloc(f->memory, entry->value->n, sizeof *pairs);
    const char *name = entry->key;
    size_t rest = count_members(table, entry->value);
    if (!map || !pairs)
        return status_no_memory("the pipeline");
    *map = *entry->value;
    map->pair = pairs;
    for (size_t i = 0; i < map->n; i++) {
        pairs[i] = entry->value->pair[i];
        if (!sweeps(table, &pairs[i]))
            continue;
        rest /= pairs[i].value->n;
        const node *value = pairs[i].value->item[k / rest % pairs[i].value->n];
        if (value->kind != NODE_SCALAR)
            return location_fail(ERR_USAGE, value->at, "`%s` takes one value, not %s", pairs[i].key,
                                 node_kind_name(value));
        pairs[i].value = value;
        if (!(name = arena_format(f->memory, "%s-%s", name, value->text)))
            return status_no_memory("the pipeline");
    }
    *out = (node_pair){.key = name, .key_at = entry->key_at, .value = map};
    return OK;
}

static status add_family(families *f, const char *section, const node_pair *entry,
                         const node_pair *members, size_t n)
{
    family *all = arena_alloc(f->memory, f->n + 1, sizeof *all);
    const char **keys = arena_alloc(f->memory, n, sizeof *keys);
    if (!all || !keys)
        return status_no_memory("the pipeline");
    if (f->n > 0)
        memcpy(all, f->all, f->n * sizeof *all);
    for (size_t i = 0; i < n; i++)
        keys[i] = members[i].key;
    all[f->n++] = (family){section, entry->key, keys, n};
    f->all = all;
    return OK;
}

static status expand_section(families *f, const resource_def *def, node_pair *section)
{
    status st = OK;
    size_t n = 0, made = 0, before;
    bool any = false;
    names seen = {0};
    const node *old = section->value;
    for (size_t i = 0; i < old->n; i++) {
        const size_t members = count_members(def->params, old->pair[i].value);
        if (members > MOST)
            return location_fail(ERR_USAGE, old->pair[i].key_at,
                                 "`%s` stands for more than %d of its kind; sweep over less",
                                 old->pair[i].key, MOST);
        n += members ? members : 1;
        any |= members > 0;
    }
    if (!any)
        return OK;
    node *map = arena_alloc(f->memory, 1, sizeof *map);
    node_pair *pairs = arena_alloc(f->memory, n, sizeof *pairs);
    if (!map || !pairs)
        return status_no_memory("the pipeline");
    for (size_t i = 0; i < old->n; i++) {
        const node_pair *entry = &old->pair[i];
        const size_t members = count_members(def->params, entry->value);
        if (members == 0)
            pairs[made++] = *entry;
        for (size_t k = 0; k < members; k++)
            TRY(make_member(f, def->params, entry, k, &pairs[made + k]));
        if (members > 0)
            TRY(add_family(f, def->section, entry, pairs + made, members));
        made += members;
    }
    for (size_t i = 0; i < n; i++) {
        if (names_get(&seen, pairs[i].key, &before))
            TRY(location_fail(ERR_USAGE, pairs[i].key_at,
                              "there are two of the name `%s`; rename one", pairs[i].key));
        if (!names_put(&seen, pairs[i].key, i))
            TRY(status_no_memory("the pipeline"));
    }
    *map = *old;
    map->n = n;
    map->pair = pairs;
    section->value = map;
done:
    names_free(&seen);
    return st;
}

static const family *find_family(const families *f, const char *section, const node *name)
{
    for (size_t i = 0; name->kind == NODE_SCALAR && i < f->n; i++)
        if (strcmp(f->all[i].section, section) == 0 && strcmp(f->all[i].name, name->text) == 0)
            return &f->all[i];
    return NULL;
}

// The list in which every family's name is its members'.
static status expand_names(families *f, const char *section, const node **value)
{
    const node *old = *value, *const *items = old->kind == NODE_LIST ? old->item : &old;
    const size_t n = old->kind == NODE_LIST ? old->n : 1;
    size_t all = 0;
    bool any = false;
    for (size_t i = 0; i < n; i++) {
        const family *of = find_family(f, section, items[i]);
        all += of ? of->n : 1;
        any = any || of;
    }
    if (!any)
        return OK;
    node *list = arena_alloc(f->memory, 1, sizeof *list);
    const node **item = arena_alloc(f->memory, all, sizeof *item);
    node *named = arena_alloc(f->memory, all, sizeof *named);
    if (!list || !item || !named)
        return status_no_memory("the pipeline");
    *list = (node){.kind = NODE_LIST, .at = old->at, .n = all, .item = item, .size = all + 1};
    for (size_t i = 0, made = 0; i < n; i++) {
        const family *of = find_family(f, section, items[i]);
        for (size_t k = 0; of && k < of->n; k++, made++) {
            named[made] = *items[i];
            named[made].text = of->members[k];
            item[made] = &named[made];
        }
        if (!of)
            item[made++] = items[i];
    }
    *value = list;
    return OK;
}

// The section that a step's key names entries of, or NULL: a parameter of the stage, or an upstream
// one that the step only matches.
static const char *section_named(const registry *r, const stage_def *stage, const char *key)
{
    size_t p;
    if (param_table_find(stage->params, key, &p))
        return stage->params[p].section;
    for (const resource_def *const *d = r->resources; *d; d++)
        if (strcmp((*d)->parameter, key) == 0)
            return (*d)->section;
    return NULL;
}

static status expand_step(families *f, const registry *r, const stage_def *stage, const node **step)
{
    node *map = arena_alloc(f->memory, 1, sizeof *map);
    node_pair *pairs = arena_alloc(f->memory, (*step)->n, sizeof *pairs);
    if (!map || !pairs)
        return status_no_memory("the pipeline");
    *map = **step;
    map->pair = pairs;
    for (size_t i = 0; i < map->n; i++) {
        pairs[i] = (*step)->pair[i];
        const char *section = section_named(r, stage, pairs[i].key);
        status st = section ? expand_names(f, section, &pairs[i].value) : OK;
        if (st != OK)
            return st;
    }
    *step = map;
    return OK;
}

static status expand_steps(families *f, const registry *r, node_pair *steps)
{
    const node *old = steps->value;
    node *map = arena_alloc(f->memory, 1, sizeof *map);
    node_pair *pairs = arena_alloc(f->memory, old->n, sizeof *pairs);
    if (!map || !pairs)
        return status_no_memory("the pipeline");
    *map = *old;
    map->pair = pairs;
    for (size_t i = 0; i < map->n; i++) {
        pairs[i] = old->pair[i];
        const stage_def *stage = stage_of(r, pairs[i].value);
        status st = stage ? expand_step(f, r, stage, &pairs[i].value) : OK;
        if (st != OK)
            return st;
    }
    steps->value = map;
    return OK;
}

status families_expand(arena *memory, const registry *r, const node **root)
{
    status st = OK;
    families f = {.memory = memory};
    node *map = arena_alloc(memory, 1, sizeof *map);
    node_pair *pairs = arena_alloc(memory, (*root)->n, sizeof *pairs);
    if (!map || !pairs)
        return status_no_memory("the pipeline");
    *map = **root;
    map->pair = pairs;
    for (size_t i = 0; i < map->n; i++) {
        pairs[i] = (*root)->pair[i];
        const resource_def *def = registry_section(r, pairs[i].key);
        if (def && pairs[i].value->kind == NODE_MAP)
            TRY(expand_section(&f, def, &pairs[i]));
    }
    if (f.n == 0)
        goto done;
    for (size_t i = 0; i < map->n; i++)
        if (strcmp(pairs[i].key, "steps") == 0 && pairs[i].value->kind == NODE_MAP)
            TRY(expand_steps(&f, r, &pairs[i]));
    *root = map;
done:
    return st;
}
