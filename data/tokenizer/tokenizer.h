// SPDX-License-Identifier: Apache-2.0
// Text to token ids, as the `tokenizers` package (tokenizer.json) and llama.cpp (GGUF metadata) do
// it: added tokens are cut out, the rest is normalised, split into words, and each word merged by
// byte-pair encoding. What a file asks for beyond that is refused by name.
#ifndef DATA_TOKENIZER_TOKENIZER_H
#define DATA_TOKENIZER_TOKENIZER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pipeline/base/status.h"
#include "pipeline/base/text.h"

// A growing list of token ids. {0} is the empty one.
typedef struct token_list {
    int32_t *id; // owned
    size_t n, capacity;
} token_list;

status token_list_add(token_list *l, int32_t id);
void token_list_free(token_list *l);

// Immutable once open; shared by threads.
typedef struct tokenizer tokenizer;

// Opens a tokenizer.json, a folder that holds one, or a .gguf. ERR_INPUT names the file and what is
// malformed or not supported. Truncation and padding settings in a tokenizer.json are the caller's
// business and not applied.
status tokenizer_open(const char *path, tokenizer **out);
void tokenizer_close(tokenizer *t);
// The file it reads: the tokenizer.json of a folder, or the path itself; NULL when out of memory.
// Owned by the caller.
char *tokenizer_file(const char *path);
// One more than the largest id.
int32_t tokenizer_size(const tokenizer *t);
// The id of a token's text as the vocabulary spells it, or -1.
int32_t tokenizer_find(const tokenizer *t, const char *piece);
// The ids that stand before and after every text ("<s>"). Borrowed.
const token_list *tokenizer_prefix(const tokenizer *t);
const token_list *tokenizer_suffix(const tokenizer *t);

// One thread's working memory: a cache of words, match state. Borrows the tokenizer.
typedef struct encoder encoder;

status encoder_new(const tokenizer *t, encoder **out);
void encoder_free(encoder *e);

// Appends the ids of n bytes of text; malformed UTF-8 counts as U+FFFD, one for each maximal
// ill-formed part (as Python's errors="replace" and the Unicode standard, table 3-8). With
// `special`, the prefix and suffix are added. Stops early, with what it has, once *out holds
// `limit` ids or more (0: no limit): only a document's beginning is tokenised then.
status encoder_encode(encoder *e, const char *bytes, size_t n, bool special, size_t limit,
                      token_list *out);

// Appends the text of the ids, leaving out special tokens.
status tokenizer_decode(const tokenizer *t, const int32_t *id, size_t n, text *out);

#endif
