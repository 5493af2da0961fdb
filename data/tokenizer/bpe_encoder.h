// SPDX-License-Identifier: Apache-2.0
// One thread's working memory for merging words.
#ifndef DATA_TOKENIZER_BPE_ENCODER_H
#define DATA_TOKENIZER_BPE_ENCODER_H

#include <stddef.h>

#include "data/tokenizer/bpe.h"
#include "data/tokenizer/token_list.h"
#include "pipeline/base/status.h"

typedef struct bpe_encoder bpe_encoder;

// Borrows `b`, which must be complete, until bpe_encoder_free.
status bpe_encoder_new(const bpe *b, bpe_encoder **out);
void bpe_encoder_free(bpe_encoder *e); // NULL is a no-op
// Appends the ids of one word (valid UTF-8). ERR_INTERNAL when out of memory.
status bpe_encoder_encode(bpe_encoder *e, const char *word, size_t n, token_list *out);

#endif
