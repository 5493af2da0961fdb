// SPDX-License-Identifier: Apache-2.0
// The tree is shared through aliases and may be in use: what leads to the change is copied, the
// rest stays shared.
#include "pipeline/config/override.h"

#include <stdlib.h>
#include <string.h>

#include "pipeline/base/checked.h"
#include "pipeline/base/text.h"

typedef struct override {
    arena *memory;
    location at;
    const node *value;
} override;

// The key that `path` begins with and, when it ends there, *rest NULL; the longest where keys hold
// dots. map->n when there is none.
static size_t find_key(const node *map, const char *path, const char **rest)
{
    size_t found = map->n, longest = 0;
    for (size_t i = 0; i < map->n; i++) {
        size_t n = strlen(map->pair[i].key);
        if (n < longest || strncmp(path, map->pair[i].key, n) != 0 || (path[n] && path[n] != '.'))
            continue;
        found = i;
        longest = n;
        *rest = path[n] ? path + n + 1 : NULL;
    }
    return found;
}

static status unknown_part(const override *o, const node *map, const char *path)
{
    size_t n = strcspn(path, ".");
    char *part = arena_text(o->memory, path, n);
    const char **keys = checked_calloc(map->n, sizeof *keys);
    if (!part || !keys) {
        free(keys);
        return status_no_memory("a message");
    }
    for (size_t i = 0; i < map->n; i++)
        keys[i] = map->pair[i].key;
    const char *nearest = text_nearest(part, keys, map->n);
    status st =
        nearest ? location_fail(ERR_USAGE, o->at,
                                "nothing is called `%s` there; did you mean `%s`?", part, nearest)
                : location_fail(ERR_USAGE, o->at,
                                "nothing is called `%s` there; name a key of the file", part);
    free(keys);
    return st;
}

// A copy of `map` in which the value at `path` is replaced, or added under its last part.
static status replace_value(const override *o, const node *map, const char *path, int depth,
                            const node **out)
{
    const char *rest = NULL;
    if (!map || map->kind != NODE_MAP || depth > TREE_DEPTH)
        return location_fail(ERR_USAGE, o->at,
                             "`%s` has nothing to stand in; name a mapping before it", path);
    size_t i = find_key(map, path, &rest);
    bool add = i == map->n;
    if (add && (strchr(path, '.') || !*path))
        return unknown_part(o, map, path);
    node *copy = arena_alloc(o->memory, 1, sizeof *copy);
    node_pair *pairs = arena_alloc(o->memory, map->n + add, sizeof *pairs);
    char *key = add ? arena_text(o->memory, path, strlen(path)) : NULL;
    if (!copy || !pairs || (add && !key))
        return status_no_memory("an override");
    if (map->n > 0)
        memcpy(pairs, map->pair, map->n * sizeof *pairs);
    *copy = *map;
    copy->pair = pairs;
    copy->n += add;
    if (add)
        pairs[i] = (node_pair){.key = key, .key_at = o->at, .value = o->value};
    else if (!rest)
        pairs[i].value = o->value;
    *out = copy;
    return add || !rest ? OK
                        : replace_value(o, map->pair[i].value, rest, depth + 1, &pairs[i].value);
}

status override_apply(arena *memory, const node **root, const char *assignment)
{
    const char *equals = strchr(assignment, '=');
    char *origin = arena_format(memory, "-s %s", assignment);
    char *path = equals ? arena_text(memory, assignment, (size_t)(equals - assignment)) : NULL;
    if (!origin || (equals && !path))
        return status_no_memory("an override");
    override o = {.memory = memory, .at = {.origin = origin}};
    if (!equals || equals == assignment)
        return location_fail(ERR_USAGE, o.at, "no override; write -s key.path=value");
    status st = tree_parse(memory, origin, false, equals + 1, strlen(equals + 1), &o.value);
    return st == OK ? replace_value(&o, *root, path, 0, root) : st;
}
