// SPDX-License-Identifier: Apache-2.0
// How one document becomes the ids of a sample, or of a stretch of one: special tokens, the answer's
// letters, prompts that are too long. text_maker.c keeps the order of many.
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
    text_document document; // its bytes are at `begin` in the batch, its shots owned
    size_t begin;
    size_t *shot;
    token_list ids;
    bool shortened;
} text_item;

// What tokenising a document needs to know.
typedef struct text_coding {
    const tokenizer *tokenizer;
    int64_t context;
    bool pack;
    int32_t candidate[4];
    token_list tail; // ends every prompt
} text_coding;

// Finds the letters' tokens. ERR_INPUT when two letters have the same.
status text_coding_find_letters(text_coding *c, const char *path);
// Fills item->ids from the document's bytes.
status text_coding_encode(const text_coding *c, encoder *e, text *scratch, const char *bytes,
                          text_item *item);

#endif
