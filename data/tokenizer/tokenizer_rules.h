// SPDX-License-Identifier: Apache-2.0
// What a tokenizer's file asks for: tokenizer_json.c and tokenizer_gguf.c fill it, tokenizer.c
// holds it, encoder.c goes by it.
#ifndef DATA_TOKENIZER_TOKENIZER_RULES_H
#define DATA_TOKENIZER_TOKENIZER_RULES_H

#include <stdbool.h>
#include <stdint.h>

#include "data/tokenizer/added_tokens.h"
#include "data/tokenizer/bpe.h"
#include "data/tokenizer/token_list.h"
#include "data/tokenizer/unigram.h"
#include "data/tokenizer/vocabulary.h"
#include "data/tokenizer/wordpiece.h"
#include "data/words/normalizer.h"
#include "data/words/splitter.h"
#include "pipeline/base/text.h"

// {0} is the empty one.
typedef struct tokenizer_rules {
    char *path;             // owned: the file
    normalizer *normalizer; // all these are owned
    splitter *splitter;
    vocabulary *vocabulary;
    bpe *bpe; // one of three models
    wordpiece *wordpiece;
    unigram *unigram;
    added_tokens *added;
    char *goes_on;             // WordPiece: "##"
    text notices;              // what a user should know: lines
    token_list prefix, suffix; // stand before and after every text
    bool byte_level;           // pieces are bytes; otherwise "▁" is a space and <0xNN> a byte
    bool config_decides;       // what lies beside the tokenizer.json changed something
    bool strip_space;          // decoding drops the space that encoding put in front
    bool cut_marks; // a text without words of its own may be cut before each "▁" (bpe_cuts_before)
} tokenizer_rules;

// "▁" of SentencePiece
#define SPACE_MARK "\xE2\x96\x81"

// One more than the largest id.
int32_t tokenizer_rules_size(const tokenizer_rules *r);
void tokenizer_rules_free(tokenizer_rules *r); // frees and empties; safe on {0}

#endif
