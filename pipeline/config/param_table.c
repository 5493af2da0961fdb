// SPDX-License-Identifier: Apache-2.0
// Tables are short and end with a NULL name: a loop is all it takes.
#include "pipeline/config/param_table.h"

#include <string.h>

size_t param_table_size(const param_def *defs)
{
    size_t n = 0;
    while (defs && defs[n].name)
        n++;
    return n;
}

bool param_table_find(const param_def *defs, const char *name, size_t *i)
{
    for (*i = 0; defs && defs[*i].name; ++*i)
        if (strcmp(defs[*i].name, name) == 0)
            return true;
    return false;
}
