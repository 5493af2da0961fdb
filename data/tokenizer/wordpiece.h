// SPDX-License-Identifier: Apache-2.0
// WordPiece (BERT's): from a word's beginning on, the longest piece, and so on; pieces that go on
// with a word are spelled with "##" in front. A word that cannot be spelled so is one unknown token.
#ifndef DATA_TOKENIZER_WORDPIECE_H
#define DATA_TOKENIZER_WORDPIECE_H

#include <stddef.h>
#include <stdint.h>

#include "data/tokenizer/token_list.h"
#include "data/tokenizer/vocabulary.h"
#include "pipeline/base/status.h"

typedef struct wordpiece_options {
    const char *prefix; // "##"; borrowed for the call
    size_t most;        // characters of a word; a longer one is unknown
    int32_t unknown;    // id of what cannot be spelled
} wordpiece_options;

// Shared by threads.
typedef struct wordpiece wordpiece;

// The vocabulary, which must be complete, is borrowed while it lives.
status wordpiece_new(const vocabulary *v, const wordpiece_options *options, wordpiece **out);
void wordpiece_free(wordpiece *w); // NULL is a no-op
// Appends the ids of one word (valid UTF-8). ERR_INTERNAL when out of memory.
status wordpiece_encode(const wordpiece *w, const char *word, size_t n, token_list *out);

#endif
