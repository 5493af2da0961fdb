// SPDX-License-Identifier: Apache-2.0
// The tables are short and looked at once an entry, so that they are walked.
#include "pipeline/dag/registry_find.h"

#include <string.h>

const resource_def *registry_section(const registry *r, const char *name)
{
    for (const resource_def *const *d = r->resources; *d; d++)
        if (strcmp((*d)->section, name) == 0)
            return *d;
    return NULL;
}

const stage_def *registry_stage(const registry *r, const char *name)
{
    for (const stage_def *const *d = r->stages; *d; d++)
        if (strcmp((*d)->name, name) == 0)
            return *d;
    return NULL;
}
