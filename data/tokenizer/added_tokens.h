// SPDX-License-Identifier: Apache-2.0
// Tokens that are found in a text as they are spelled, before any rule touches it: "<s>",
// "<|im_start|>".
#ifndef DATA_TOKENIZER_ADDED_TOKENS_H
#define DATA_TOKENIZER_ADDED_TOKENS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pipeline/base/status.h"

typedef struct added_token {
    char *content; // owned by the set
    size_t n;
    int32_t id;
    bool special;        // left out when decoding
    bool single_word;    // only between characters that are no letters, digits or "_"
    bool lstrip, rstrip; // swallows white space on that side
    bool normalized;     // looked for in the normalised text
    size_t place;        // how many were added before; the set's
} added_token;

typedef struct added_tokens added_tokens;

status added_tokens_new(added_tokens **out);
void added_tokens_free(added_tokens *a); // NULL is a no-op
// Adds a token; `content` is copied. ERR_INPUT for an empty one, and for
// one of more than 4,096 bytes.
status added_tokens_add(added_tokens *a, const added_token *token, const char *file);
// Makes it ready to search. After all adds; threads may share it from then on.
void added_tokens_ready(added_tokens *a);

size_t added_tokens_count(const added_tokens *a);
const added_token *added_tokens_at(const added_tokens *a, size_t i); // borrowed
// The token of an id, or NULL. Borrowed.
const added_token *added_tokens_of(const added_tokens *a, int32_t id);

// Finds the first token at or after `from`, the longest where several begin there, of those with
// the wanted `normalized`. False when there is none. [*begin, *end) covers swallowed white space,
// not reaching before `from`.
bool added_tokens_next(const added_tokens *a, bool normalized, const char *bytes, size_t n,
                       size_t from, size_t *begin, size_t *end, int32_t *id);

#endif
