// SPDX-License-Identifier: Apache-2.0
// The rules that rewrite a text before it is cut: the "normalizer" of a tokenizer.json. Names and
// meanings are those of the `tokenizers` package.
#ifndef DATA_WORDS_NORMALIZER_H
#define DATA_WORDS_NORMALIZER_H

#include <jansson.h>
#include <stddef.h>

#include "pipeline/base/status.h"
#include "pipeline/base/text.h"

typedef struct normalizer normalizer;

// Reads the "normalizer" of a tokenizer.json (null: none). `file` names it in messages; borrowed, and
// nothing else. ERR_INPUT for an unknown kind. *out = NULL is a normalizer that does nothing.
status normalizer_new(const json_t *rules, const char *file, normalizer **out);
void normalizer_free(normalizer *n); // NULL is a no-op
// Appends the normalised form of valid UTF-8. Thread-safe. ERR_INTERNAL when out of memory;
// ERR_INPUT when it is many times as long as the text.
status normalizer_apply(const normalizer *n, const char *bytes, size_t length, text *out);

#endif
