// SPDX-License-Identifier: Apache-2.0
// Text to token ids, one thread's: what an open tokenizer needs beside its rules, a cache of words
// and match state.
#ifndef DATA_TOKENIZER_ENCODER_H
#define DATA_TOKENIZER_ENCODER_H

#include <stdbool.h>
#include <stddef.h>

#include "data/tokenizer/token_list.h"
#include "data/tokenizer/tokenizer.h"
#include "pipeline/base/status.h"

typedef struct encoder encoder;

// Borrows the tokenizer until encoder_free. Local.
status encoder_new(const tokenizer *t, encoder **out);
void encoder_free(encoder *e); // NULL is a no-op

// Appends the ids of n bytes of text; malformed UTF-8 counts as U+FFFD, one for each maximal
// ill-formed part (as Python's errors="replace" and the Unicode standard, table 3-8). With
// `special`, the prefix and suffix are added. Stops early, with what it has, once *out holds
// `limit` ids or more (0: no limit): only a document's beginning is tokenised then. ERR_INTERNAL
// when out of memory.
status encoder_encode(encoder *e, const char *bytes, size_t n, bool special, size_t limit,
                      token_list *out);

#endif
