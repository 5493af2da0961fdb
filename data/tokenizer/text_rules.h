// SPDX-License-Identifier: Apache-2.0
// The two chains of rules a tokenizer puts before its vocabulary: normalizers, which rewrite a
// text, and pre-tokenizers, which cut it into words. Names and meanings are those of the
// `tokenizers` package.
#ifndef DATA_TOKENIZER_TEXT_RULES_H
#define DATA_TOKENIZER_TEXT_RULES_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "pipeline/base/status.h"
#include "pipeline/base/text.h"

typedef struct normalizer normalizer;

// Reads the "normalizer" of a tokenizer.json (null: none). `file` names it in messages. ERR_INPUT
// for an unknown kind. Borrows nothing. NULL is a normalizer that does nothing.
status normalizer_new(const json_t *rules, const char *file, normalizer **out);
void normalizer_free(normalizer *n);
// Appends the normalised form of valid UTF-8. Thread-safe.
status normalizer_apply(const normalizer *n, const char *bytes, size_t length, text *out);

typedef struct splitter splitter;

// Reads the "pre_tokenizer" of a tokenizer.json (null: none: a text is one word).
status splitter_new(const json_t *rules, const char *file, splitter **out);
// The splitter that applies patterns one after the other, each match and each gap a piece
// (llama.cpp's `pre`). `patterns` ends with NULL.
status splitter_from_patterns(const char *const *patterns, const char *file, splitter **out);
void splitter_free(splitter *s);
// True when a ByteLevel rule stands at the end: words are bytes then.
bool splitter_is_byte_level(const splitter *s);

// One thread's working memory. Borrows the splitter.
typedef struct splitting splitting;
status splitting_new(const splitter *s, splitting **out);
void splitting_free(splitting *s);

// Cuts valid UTF-8 into words. `first`: the text stands at the beginning of the whole input
// (Metaspace asks). Calls word for each, ascending; the bytes are borrowed until it returns, and
// may have been rewritten ("▁" for a space).
status splitting_run(splitting *s, const char *bytes, size_t n, bool first,
                     status (*word)(void *context, const char *bytes, size_t n), void *context);

#endif
