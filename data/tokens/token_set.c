// SPDX-License-Identifier: Apache-2.0
#include "data/tokens/token_set.h"

#include <stdlib.h>

#include "pipeline/base/checked.h"

status token_set_new(size_t groups, int64_t vocabulary, token_set **out)
{
    status st;
    token_set *s = checked_calloc(1, sizeof *s);
    if (!s)
        return status_no_memory("samples");
    s->groups = groups;
    if (!(s->group = checked_calloc(groups, sizeof *s->group))) {
        st = status_no_memory("samples");
        goto done;
    }
    TRY(token_store_new(vocabulary, TOKEN_STORE_BYTES, &s->store));
    *out = s;
    s = NULL;
done:
    token_set_free(s);
    return st;
}

void token_set_free(token_set *s)
{
    if (!s)
        return;
    for (size_t g = 0; s->group && !s->block && g < s->groups; g++)
        free(s->group[g].at);
    free(s->group);
    if (s->block)
        s->share->release(s->share, s->block);
    token_store_free(s->store);
    tokenizer_close(s->tokenizer);
    free(s);
}

status token_set_add(token_set *s, size_t group, const int32_t *id, size_t n, int32_t target)
{
    token_group *g = &s->group[group];
    if (!checked_grow(&g->at, &g->capacity, g->n + 1, sizeof *g->at))
        return status_no_memory("samples");
    int64_t first = token_store_count(s->store);
    status st = token_store_add(s->store, id, n);
    if (st != OK)
        return st;
    g->at[g->n++] = (token_sample){first, (int32_t)n, target};
    g->rows += (int64_t)n;
    return OK;
}
