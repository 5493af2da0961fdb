// SPDX-License-Identifier: Apache-2.0
// Every text passes through such lists, so they grow by doubling and are emptied by `n = 0`, which
// keeps their memory for the next text.
#include "data/tokenizer/token_list.h"

#include <stdlib.h>
#include <string.h>

#include "pipeline/base/checked.h"

status token_list_add(token_list *l, int32_t id)
{
    return token_list_append(l, &id, 1);
}

status token_list_append(token_list *l, const int32_t *id, size_t n)
{
    if (n == 0)
        return OK;
    if (!checked_grow(&l->id, &l->capacity, l->n + n, sizeof *l->id))
        return status_no_memory("tokens");
    memcpy(l->id + l->n, id, n * sizeof *id);
    l->n += n;
    return OK;
}

void token_list_free(token_list *l)
{
    free(l->id);
    *l = (token_list){0};
}
