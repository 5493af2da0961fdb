// SPDX-License-Identifier: Apache-2.0
// The sets of tokens made of a text dataset so far: tasks of a sweep find them again.
#ifndef DATA_DATASET_TOKEN_CACHE_H
#define DATA_DATASET_TOKEN_CACHE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "data/tokens/token_set.h"

// A set, and what it was made for.
typedef struct token_cache_entry {
    char *file; // owned: the tokenizer's; NULL where the dataset has ids already
    int64_t context, vocabulary;
    bool framed;
    token_set *set; // owned
} token_cache_entry;

typedef struct token_cache {
    token_cache_entry *at; // owned
    size_t n, capacity;
} token_cache;

// The set made for these (`file`: the tokenizer's, or NULL), or NULL. Borrowed from the cache.
const token_set *token_cache_find(const token_cache *c, const char *file, int64_t context,
                                  int64_t vocabulary, bool framed);
// NULL is a no-op. Collective on the share that the sets lie in.
void token_cache_free(token_cache *c);

#endif
