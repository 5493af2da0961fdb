// SPDX-License-Identifier: Apache-2.0
// What the two files of the text maker share: text_maker.c keeps the order, text_encode.c tokenises
// one document.
#ifndef DATA_TOKENS_TEXT_MAKER_STATE_H
#define DATA_TOKENS_TEXT_MAKER_STATE_H

#include "data/tokenizer/encoder.h"
#include "data/tokens/text_maker.h"

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
status text_coding_letters(text_coding *c, const char *path);
// Fills item->ids from the document's bytes.
status text_encode(const text_coding *c, encoder *e, text *scratch, const char *bytes,
                   text_item *item);

#endif
