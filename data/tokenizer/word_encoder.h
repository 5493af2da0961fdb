// SPDX-License-Identifier: Apache-2.0
// Words to ids, whichever model a tokenizer has; one thread's, with a cache of words seen.
#ifndef DATA_TOKENIZER_WORD_ENCODER_H
#define DATA_TOKENIZER_WORD_ENCODER_H

#include <stddef.h>

#include "data/tokenizer/token_list.h"
#include "data/tokenizer/tokenizer_rules.h"
#include "pipeline/base/status.h"

typedef struct word_encoder word_encoder;

// Borrows the rules until word_encoder_free.
status word_encoder_new(const tokenizer_rules *r, word_encoder **out);
void word_encoder_free(word_encoder *e); // NULL is a no-op
// Appends the ids of one word (valid UTF-8). ERR_INTERNAL when out of memory; ERR_INPUT where the
// model has no token for it.
status word_encoder_encode(word_encoder *e, const char *word, size_t n, token_list *out);

#endif
