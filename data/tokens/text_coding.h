// SPDX-License-Identifier: Apache-2.0
// How one document becomes token ids: special tokens, the answer's letters, prompts that are too
// long. data/tokens/text_maker.h keeps the order of many.
#ifndef DATA_TOKENS_TEXT_CODING_H
#define DATA_TOKENS_TEXT_CODING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "data/tokenizer/encoder.h"
#include "data/tokens/text_document.h"
#include "pipeline/base/status.h"
#include "pipeline/base/text.h"

// A document waiting to be tokenised, and then its ids.
typedef struct text_item {
    text_document document; // its `bytes` and `shot` count no more: see the next two
    size_t begin;           // of its bytes in the batch
    size_t *shot;           // owned; NULL: no question
    token_list ids;         // owned
    bool shortened;         // a prompt that lost shots or tokens
} text_item;

// What tokenising a document needs to know.
typedef struct text_coding {
    const tokenizer *tokenizer; // borrowed
    int64_t context;            // tokens of a sample
    bool pack;
    bool framed;          // a sample that is cut has the special tokens behind it all the same
    int32_t candidate[4]; // questions: the tokens of the letters A to D
    token_list tail;      // owned: ends every prompt
} text_coding;

// Finds the letters' tokens and the tail. ERR_INPUT, naming `path`, when two letters have the same.
status text_coding_find_letters(text_coding *c, const char *path);
// Fills item->ids from the document's bytes. Thread-safe, each with its encoder and scratch.
// ERR_INTERNAL when out of memory.
status text_coding_encode(const text_coding *c, encoder *e, text *scratch, const char *bytes,
                          text_item *item);

#endif
