// SPDX-License-Identifier: Apache-2.0
// An input as a vocabulary and a word: pieces, a line each, and behind a NUL byte the word. What is no
// UTF-8 is repaired, as everything is before it comes to a model; equal pieces count once.
#ifndef TESTS_FUZZ_PIECES_H
#define TESTS_FUZZ_PIECES_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "data/bytes/utf8.h"
#include "data/tokenizer/token_list.h"
#include "data/tokenizer/vocabulary.h"

enum { PIECES = 48, WORD_BYTES = 200 };

typedef struct pieces {
    vocabulary *v;
    int32_t n;
    text piece[PIECES], word;
} pieces;

static inline status pieces_read(const uint8_t *bytes, size_t n, pieces *p)
{
    status st;
    const uint8_t *end = memchr(bytes, 0, n), *word = end ? end + 1 : bytes + n;
    *p = (pieces){0};
    TRY(vocabulary_new("input", false, &p->v));
    for (const uint8_t *at = bytes, *line; end && at < end && p->n < PIECES; at = line + 1) {
        text *t = &p->piece[p->n];
        line = memchr(at, '\n', (size_t)(end - at));
        line = line ? line : end;
        utf8_repair((const char *)at, (size_t)(line - at), t);
        if (t->length == 0 || vocabulary_find(p->v, t->at, t->length) >= 0) {
            text_free(t);
            continue;
        }
        TRY(vocabulary_add(p->v, t->at, t->length, p->n++));
    }
    const size_t length = (size_t)(bytes + n - word);
    utf8_repair((const char *)word, length < WORD_BYTES ? length : WORD_BYTES, &p->word);
done:
    return st;
}

static inline void pieces_free(pieces *p)
{
    vocabulary_free(p->v);
    for (int32_t i = 0; i < p->n; i++)
        text_free(&p->piece[i]);
    text_free(&p->word);
}

// The id of a piece, sought one by one; -1: there is none.
static inline int32_t pieces_find(const pieces *p, const char *bytes, size_t n)
{
    for (int32_t i = 0; i < p->n; i++)
        if (p->piece[i].length == n && memcmp(p->piece[i].at, bytes, n) == 0)
            return i;
    return -1;
}

static inline void pieces_compare(const token_list *got, const token_list *expected)
{
    if (got->n == expected->n &&
        (got->n == 0 || memcmp(got->id, expected->id, got->n * sizeof *got->id) == 0))
        return;
    fprintf(stderr, "other tokens than the plain way gives: %zu, not %zu\n", got->n, expected->n);
    abort();
}

#endif
