// SPDX-License-Identifier: Apache-2.0
// A sweep has few tokenizers and contexts, so they are looked through one by one.
#include "data/dataset/token_cache.h"

#include <stdlib.h>
#include <string.h>

const token_set *token_cache_find(const token_cache *c, const char *file, int64_t context,
                                  int64_t vocabulary, bool framed)
{
    for (size_t i = 0; i < c->n; i++) {
        const token_cache_entry *e = &c->at[i];
        bool same = file && e->file ? strcmp(file, e->file) == 0 : file == e->file;
        if (same && e->context == context && e->vocabulary == vocabulary && e->framed == framed)
            return e->set;
    }
    return NULL;
}

void token_cache_free(token_cache *c)
{
    for (size_t i = 0; c && i < c->n; i++) {
        free(c->at[i].file);
        token_set_free(c->at[i].set);
    }
    if (c)
        free(c->at);
    free(c);
}
