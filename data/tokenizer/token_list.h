// SPDX-License-Identifier: Apache-2.0
// A growing list of token ids.
#ifndef DATA_TOKENIZER_TOKEN_LIST_H
#define DATA_TOKENIZER_TOKEN_LIST_H

#include <stddef.h>
#include <stdint.h>

#include "pipeline/base/status.h"

// {0} is the empty list.
typedef struct token_list {
    int32_t *id; // owned
    size_t n, capacity;
} token_list;

// Appends an id, or n ids that are not the list's own. ERR_INTERNAL when out of memory.
status token_list_add(token_list *l, int32_t id);
status token_list_append(token_list *l, const int32_t *id, size_t n);
void token_list_free(token_list *l); // frees and empties; safe on {0}

#endif
