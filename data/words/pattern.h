// SPDX-License-Identifier: Apache-2.0
// A regular expression of a tokenizer's file as PCRE2 reads it, within limits: what a file says must not take the
// run's time and memory, nor hand out places that are no part of the text.
#ifndef DATA_WORDS_PATTERN_H
#define DATA_WORDS_PATTERN_H

#include <stdbool.h>
#include <stddef.h>

#include "pipeline/base/status.h"

// Threads share it.
typedef struct pattern pattern;

// Compiles n bytes; `literal`: they are a plain text. `file` names it in messages, and is borrowed
// while the pattern lives. ERR_INPUT for what is no pattern.
status pattern_new(const char *source, size_t n, bool literal, const char *file, pattern **out);
void pattern_free(pattern *p); // NULL is a no-op

// What matching writes to: one thread's.
typedef struct pattern_matcher pattern_matcher;

status pattern_matcher_new(pattern_matcher **out);
void pattern_matcher_free(pattern_matcher *m); // NULL is a no-op
// A text of n bytes begins: from here its time is counted.
void pattern_matcher_begin(pattern_matcher *m, size_t n);

// The first match in valid UTF-8 that begins at `from` or later; it may be empty. ERR_INPUT: the
// text takes more time, steps or memory than a tokenizer's pattern may, or the match ends before it
// begins.
status pattern_next(const pattern *p, pattern_matcher *m, const char *bytes, size_t n, size_t from,
                    bool *found, size_t *begin, size_t *end);

#endif
