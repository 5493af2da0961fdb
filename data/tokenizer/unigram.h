// SPDX-License-Identifier: Apache-2.0
// SentencePiece's unigram model (T5, XLM-R): of all ways to spell a word by pieces, the one whose
// scores have the largest sum (Kudo, 2018).
#ifndef DATA_TOKENIZER_UNIGRAM_H
#define DATA_TOKENIZER_UNIGRAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "data/tokenizer/token_list.h"
#include "data/tokenizer/vocabulary.h"
#include "pipeline/base/status.h"

typedef struct unigram_options {
    const char *file;   // for messages; borrowed while the model lives
    bool byte_fallback; // what has no piece becomes its bytes' <0xNN> pieces, where all are there
    int32_t unknown;    // id of what has no piece; -1: a text that needs one is refused
} unigram_options;

// Shared by threads.
typedef struct unigram unigram;

// The vocabulary, which must be complete, is borrowed while it lives. score[id] of each piece.
status unigram_new(const vocabulary *v, const double *score, const unigram_options *options,
                   unigram **out);
void unigram_free(unigram *u); // NULL is a no-op

// What spelling writes to: one thread's.
typedef struct unigram_encoder unigram_encoder;
status unigram_encoder_new(const unigram *u, unigram_encoder **out); // borrows the model
void unigram_encoder_free(unigram_encoder *e);                       // NULL is a no-op
// Appends the ids of one word (valid UTF-8). ERR_INTERNAL when out of memory; ERR_INPUT as
// `unknown` says.
status unigram_encoder_encode(unigram_encoder *e, const char *word, size_t n, token_list *out);

#endif
