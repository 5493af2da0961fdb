// SPDX-License-Identifier: Apache-2.0
// Documents of a subset often follow each other, so the last one found is looked at first. There is
// a limit to how many there may be: a field that is different in every document makes no subsets.
#include "data/bytes/group_list.h"

#include <stdlib.h>
#include <string.h>

#include "pipeline/base/checked.h"
#include "pipeline/base/file.h"

enum { GROUPS_MAX = 4096, NAME_BYTES = 256 };

status group_list_add(group_list *g, const char *data, const char *by, const char *name, size_t n,
                      size_t *number)
{
    if (g->names.n == GROUPS_MAX)
        return status_fail(ERR_INPUT, data,
                           "has more than %d subsets by %s; name a field with few values",
                           GROUPS_MAX, by);
    status st = name_list_add(&g->names, name, n);
    if (st != OK)
        return st;
    *number = g->names.n - 1;
    if (!names_put(&g->numbers, g->names.at[*number], *number) ||
        !checked_grow(&g->count, &g->capacity, *number + 1, sizeof *g->count))
        return status_no_memory("a list of subsets");
    g->count[*number] = 0;
    return OK;
}

bool group_list_get(const group_list *g, const char *name, size_t n, size_t *number)
{
    char key[NAME_BYTES + 1];
    if (n > NAME_BYTES)
        return false;
    memcpy(key, name, n);
    key[n] = 0;
    return names_get(&g->numbers, key, number);
}

status group_list_find(group_list *g, const char *data, const char *by, const char *name, size_t n,
                       const char **problem, size_t *number)
{
    const name_list *known = &g->names;
    *problem = NULL;
    if (known->n > 0 && strlen(known->at[g->last]) == n &&
        memcmp(known->at[g->last], name, n) == 0) {
        *number = g->last;
        return OK;
    }
    if (n == 0 || n > NAME_BYTES || !name_list_is_text(name, n)) {
        *problem = "is no name of a subset: it is empty, long or has control characters";
        return OK;
    }
    status st =
        group_list_get(g, name, n, number) ? OK : group_list_add(g, data, by, name, n, number);
    g->last = st == OK ? *number : g->last;
    return st;
}

const char *group_list_name_file(const char *data, const char *path, size_t *n)
{
    const char *name = path + strlen(data);
    if (!file_is_folder(data))
        name = basename(path);
    while (*name == '/')
        name++;
    *n = strlen(name);
    for (int i = 0; i < 2; i++) {
        const char *dot = memrchr(name, '.', *n);
        if (dot > name && !memchr(dot, '/', (size_t)(name + *n - dot)))
            *n = (size_t)(dot - name);
    }
    return name;
}

void group_list_free(group_list *g)
{
    name_list_free(&g->names);
    names_free(&g->numbers);
    free(g->count);
    *g = (group_list){0};
}
