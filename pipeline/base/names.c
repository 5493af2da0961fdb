// SPDX-License-Identifier: Apache-2.0
// Open addressing, at most half full. The hash is fixed, so that a table's behaviour is the same in
// every run; keys come from a user's own files, so that nobody floods it.
#include "pipeline/base/names.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/base/checked.h"

struct names_slot {
    const char *name; // NULL: free
    size_t value;
};

// FNV-1a, 64 bits.
static uint64_t hash_name(const char *name)
{
    uint64_t h = 0xcbf29ce484222325u;
    for (; *name; name++)
        h = (h ^ (unsigned char)*name) * 0x100000001b3u;
    return h ^ h >> 32;
}

// The slot that holds the name, or the free one where it would go.
static struct names_slot *find_slot(const names *n, const char *name)
{
    size_t i = hash_name(name) & (n->slots_n - 1);
    while (n->slots[i].name && strcmp(n->slots[i].name, name) != 0)
        i = (i + 1) & (n->slots_n - 1);
    return &n->slots[i];
}

static bool grow_slots(names *n)
{
    names larger = {.used = n->used, .slots_n = n->slots_n ? n->slots_n * 2 : 32};
    larger.slots = checked_calloc(larger.slots_n, sizeof *larger.slots);
    if (!larger.slots)
        return false;
    for (size_t i = 0; i < n->slots_n; i++)
        if (n->slots[i].name)
            *find_slot(&larger, n->slots[i].name) = n->slots[i];
    free(n->slots);
    *n = larger;
    return true;
}

bool names_put(names *n, const char *name, size_t value)
{
    if (n->used * 2 >= n->slots_n && !grow_slots(n))
        return false;
    struct names_slot *slot = find_slot(n, name);
    n->used += !slot->name;
    *slot = (struct names_slot){name, value};
    return true;
}

bool names_get(const names *n, const char *name, size_t *value)
{
    if (n->slots_n == 0)
        return false;
    const struct names_slot *slot = find_slot(n, name);
    if (!slot->name)
        return false;
    *value = slot->value;
    return true;
}

void names_free(names *n)
{
    free(n->slots);
    *n = (names){0};
}
