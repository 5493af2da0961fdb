// SPDX-License-Identifier: Apache-2.0
// A growing string, and the few string helpers that more than one file needs.
#ifndef PIPELINE_BASE_TEXT_H
#define PIPELINE_BASE_TEXT_H

#include <stdbool.h>
#include <stddef.h>

// A growing, always terminated string. {0} is the empty one. `failed` remembers that memory ran
// out, so that a writer checks once at its end.
typedef struct text {
    char *at; // owned; NULL while empty
    size_t length, capacity;
    bool failed;
} text;

void text_add(text *t, const char *string);
void text_add_bytes(text *t, const char *bytes, size_t n);
void text_addf(text *t, const char *format, ...) __attribute__((format(printf, 2, 3)));
// The string so far, never NULL. Borrowed.
const char *text_get(const text *t);
// Frees and empties; safe on {0}.
void text_free(text *t);

// A formatted string of its own; NULL when out of memory. Owned by the caller.
char *text_format(const char *format, ...) __attribute__((format(printf, 1, 2)));

// The next of the lines at *at, of n bytes without its end, behind which *at moves; NULL: there are no
// more that have an end.
const char *text_line(const char **at, int *n);
bool text_ends_with(const char *string, const char *ending);

// The candidate nearest to `word` by edit distance, or NULL when none is near enough to suggest.
// Borrowed.
const char *text_nearest(const char *word, const char *const *candidates, size_t n);

#endif
