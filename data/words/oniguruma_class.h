// SPDX-License-Identifier: Apache-2.0
// What stands for one character in Oniguruma's patterns: classes, properties, escapes; each is
// written anew as PCRE2 reads the same.
#ifndef DATA_WORDS_ONIGURUMA_CLASS_H
#define DATA_WORDS_ONIGURUMA_CLASS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pipeline/base/status.h"
#include "pipeline/base/text.h"

// A pattern being read.
typedef struct onig_reader {
    const char *source; // valid UTF-8
    size_t n, at;
    bool fold;        // letters match in either case: (?i)
    bool dot_all;     // "." matches a newline too: (?m)
    const char *file; // for messages
    int depth;        // of groups in each other
    int classes;      // likewise
} onig_reader;

enum { ONIG_DEPTH = 100 }; // of groups, and of classes, in each other

// A set of characters: PCRE2's class items, and n_others expressions that match one character each,
// with "|" between.
typedef struct onig_set {
    text items, others;
    size_t n_others;
} onig_set;

void onig_set_free(onig_set *s);
// Writes an expression that matches one character of the set.
void onig_set_write(const onig_set *s, bool negated, text *out);

// Fails with ERR_INPUT, naming the place `at` and what stands there.
status onig_refuse(const onig_reader *r, size_t at, const char *what);
// The next byte, `ahead` bytes further; 0 behind the end.
char onig_peek(const onig_reader *r, size_t ahead);
// Appends a character as PCRE2 takes it for itself, in a class and outside.
void onig_write_code(int32_t code, text *out);

// Reads the class behind its "[", and appends an expression that matches one of it.
status onig_class(onig_reader *r, text *out);
// Reads the escape whose "\" was read, if it stands for a set of characters: "\p{L}", "\s", "\W".
// Otherwise *found = false, and nothing is read.
status onig_shorthand(onig_reader *r, bool in_class, bool *found, onig_set *s);
// Reads the escape whose "\" was read as one character.
status onig_escaped_code(onig_reader *r, bool in_class, int32_t *code);

#endif
