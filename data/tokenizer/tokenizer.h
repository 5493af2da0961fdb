// SPDX-License-Identifier: Apache-2.0
// Text to token ids, as the `tokenizers` package (tokenizer.json) and llama.cpp (GGUF metadata) do
// it: added tokens are cut out, the rest is normalised, split into words, and each word spelled by
// byte-pair encoding, WordPiece or a unigram model. What a file asks for beyond that is refused by
// name.
#ifndef DATA_TOKENIZER_TOKENIZER_H
#define DATA_TOKENIZER_TOKENIZER_H

#include <stddef.h>
#include <stdint.h>

#include "data/tokenizer/token_list.h"
#include "pipeline/base/status.h"
#include "pipeline/base/text.h"

// What a tokenizer's file asks for (data/tokenizer/tokenizer_rules.h).
typedef struct tokenizer_rules tokenizer_rules;

// Immutable once open; shared by threads.
typedef struct tokenizer tokenizer;

// Opens a tokenizer.json, a folder that holds one, or a .gguf. ERR_INPUT names the file and what is
// malformed or not supported. Truncation and padding settings in a tokenizer.json are the caller's
// business and not applied.
status tokenizer_open(const char *path, tokenizer **out);
void tokenizer_close(tokenizer *t); // NULL is a no-op
// The file it reads: the tokenizer.json of a folder, or the path itself; NULL when out of memory.
// Owned by the caller.
char *tokenizer_file(const char *path);
// The ids that stand before and after every text ("<s>"). Borrowed.
const token_list *tokenizer_prefix(const tokenizer *t);
const token_list *tokenizer_suffix(const tokenizer *t);
// For encoder.c. Borrowed.
const tokenizer_rules *tokenizer_get_rules(const tokenizer *t);

// Appends the text of the ids, leaving out special tokens and ids that there are not.
status tokenizer_decode(const tokenizer *t, const int32_t *id, size_t n, text *out);

#endif
