// SPDX-License-Identifier: Apache-2.0
// The rules that cut a text into words: the "pre_tokenizer" of a tokenizer.json, or the patterns
// that llama.cpp goes by. Names and meanings are those of the `tokenizers` package.
#ifndef DATA_WORDS_SPLITTER_H
#define DATA_WORDS_SPLITTER_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "pipeline/base/status.h"

typedef struct splitter splitter;

// Reads the "pre_tokenizer" of a tokenizer.json (null: none: a text is one word). `file` names it
// in messages. ERR_INPUT for what is malformed or not supported. Borrows nothing.
status splitter_new(const json_t *rules, const char *file, splitter **out);
// The splitter that applies patterns one after the other, each match and each gap a piece
// (llama.cpp's `pre`). `patterns` ends with NULL.
status splitter_from_patterns(const char *const *patterns, const char *file, splitter **out);
void splitter_free(splitter *s); // NULL is a no-op
// True when a ByteLevel rule stands at the end: words are bytes then.
bool splitter_is_byte_level(const splitter *s);

// One thread's working memory. Borrows the splitter.
typedef struct splitter_workspace splitter_workspace;
status splitter_workspace_new(const splitter *s, splitter_workspace **out);
void splitter_workspace_free(splitter_workspace *w); // NULL is a no-op

// Cuts valid UTF-8 into words. `first`: the text stands at the beginning of the whole input
// (Metaspace asks). Calls word for each, ascending; the bytes are borrowed until it returns, and
// may have been rewritten ("▁" for a space). Stops at the first failure of word.
status splitter_cut(splitter_workspace *w, const char *bytes, size_t n, bool first,
                    status (*word)(void *context, const char *bytes, size_t n), void *context);

#endif
