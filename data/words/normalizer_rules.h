// SPDX-License-Identifier: Apache-2.0
// What each rule of a normalizer does to a text.
#ifndef DATA_WORDS_NORMALIZER_RULES_H
#define DATA_WORDS_NORMALIZER_RULES_H

#include <stdbool.h>
#include <stddef.h>

#include "data/words/pattern.h"
#include "data/words/precompiled.h"
#include "pipeline/base/status.h"
#include "pipeline/base/text.h"

typedef struct normal_rule normal_rule;
// Appends what the rule makes of n bytes of valid UTF-8. Thread-safe.
typedef status normal_fn(const normal_rule *r, const char *bytes, size_t n, text *out);

struct normal_rule {
    normal_fn *apply;
    const char *file; // borrowed, for messages
    int options;      // of utf8proc
    text from, to;    // Replace, Prepend (to); owned
    bool left, right; // Strip
    pattern *pattern; // Replace by a regular expression: owned
    precompiled *map; // Precompiled: owned
};

normal_fn normal_unicode; // NFC and its like
normal_fn normal_lowercase;
normal_fn normal_prepend;
normal_fn normal_replace; // of a plain text
normal_fn normal_pattern; // of a regular expression
normal_fn normal_strip;
normal_fn normal_map; // SentencePiece's table
normal_fn normal_nmt;
normal_fn normal_clean;      // BertNormalizer: no controls, plain spaces
normal_fn normal_ideographs; // likewise: spaces around them
normal_fn normal_nonspacing; // likewise: without Mn
normal_fn normal_accents;    // StripAccents

// Does the rule drop what the text begins with, and put nothing in its place? Thread-safe.
status normal_drops_start(const normal_rule *r, const char *bytes, size_t n, bool *drops);
// ERR_INPUT where a text of `from` bytes has grown to `to`, which is more than rules may make of it.
status normal_check_growth(const normal_rule *r, size_t from, size_t to);

#endif
