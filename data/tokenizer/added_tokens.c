// SPDX-License-Identifier: Apache-2.0
#include "data/tokenizer/added_tokens.h"

#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>

#include "data/bytes/utf8.h"
#include "pipeline/base/checked.h"

struct added_tokens {
    added_token *tokens; // by first byte, then the longest first
    size_t n, capacity;
    size_t first[257];   // where each first byte's tokens begin
    bool begins[2][256]; // is there one of that `normalized` with that first byte?
};

status added_tokens_new(added_tokens **out)
{
    *out = checked_calloc(1, sizeof **out);
    return *out ? OK : status_no_memory("added tokens");
}

void added_tokens_free(added_tokens *a)
{
    if (!a)
        return;
    for (size_t i = 0; i < a->n; i++)
        free(a->tokens[i].content);
    free(a->tokens);
    free(a);
}

status added_tokens_add(added_tokens *a, const added_token *token, const char *file)
{
    if (token->n == 0)
        return status_fail(ERR_INPUT, file, "added token %d is empty", token->id);
    if (!checked_grow(&a->tokens, &a->capacity, a->n + 1, sizeof *a->tokens))
        return status_no_memory("added tokens");
    added_token *t = &a->tokens[a->n];
    *t = *token;
    t->content = malloc(token->n);
    if (!t->content)
        return status_no_memory("added tokens");
    memcpy(t->content, token->content, token->n);
    a->n++;
    return OK;
}

static int by_first_byte_longest(const void *x, const void *y)
{
    const added_token *a = x, *b = y;
    unsigned char first = (unsigned char)a->content[0], second = (unsigned char)b->content[0];
    if (first != second)
        return first < second ? -1 : 1;
    if (a->n != b->n)
        return a->n > b->n ? -1 : 1;
    return memcmp(a->content, b->content, a->n);
}

void added_tokens_ready(added_tokens *a)
{
    if (a->n > 0)
        qsort(a->tokens, a->n, sizeof *a->tokens, by_first_byte_longest);
    size_t at = 0;
    for (int byte = 0; byte < 256; byte++) {
        a->first[byte] = at;
        for (; at < a->n && (unsigned char)a->tokens[at].content[0] == byte; at++)
            a->begins[a->tokens[at].normalized][byte] = true;
    }
    a->first[256] = at;
}

size_t added_tokens_count(const added_tokens *a)
{
    return a->n;
}

const added_token *added_tokens_at(const added_tokens *a, size_t i)
{
    return &a->tokens[i];
}

const added_token *added_tokens_of(const added_tokens *a, int32_t id)
{
    for (size_t i = 0; i < a->n; i++)
        if (a->tokens[i].id == id)
            return &a->tokens[i];
    return NULL;
}

static size_t character_before(const char *bytes, size_t at)
{
    while (at > 0 && ((unsigned char)bytes[--at] & 0xC0) == 0x80)
        continue;
    return at;
}

// A character of a word, as \w has it.
static bool is_word_character(int32_t code)
{
    utf8proc_category_t c = utf8proc_category(code);
    return code == '_' || (c >= UTF8PROC_CATEGORY_LU && c <= UTF8PROC_CATEGORY_ME) ||
           c == UTF8PROC_CATEGORY_ND || c == UTF8PROC_CATEGORY_PC;
}

static bool stands_alone(const char *bytes, size_t n, size_t begin, size_t end)
{
    size_t length;
    if (begin > 0 && is_word_character(utf8_decode(bytes + character_before(bytes, begin), &length)))
        return false;
    return end >= n || !is_word_character(utf8_decode(bytes + end, &length));
}

// The longest token of the wanted kind that begins at `at`, or NULL.
static const added_token *find_token_at(const added_tokens *a, bool normalized, const char *bytes,
                                   size_t n, size_t at)
{
    unsigned char byte = (unsigned char)bytes[at];
    for (size_t i = a->first[byte]; i < a->first[byte + 1]; i++) {
        const added_token *t = &a->tokens[i];
        if (t->normalized == normalized && t->n <= n - at &&
            memcmp(bytes + at, t->content, t->n) == 0)
            return t;
    }
    return NULL;
}

bool added_tokens_next(const added_tokens *a, bool normalized, const char *bytes, size_t n,
                       size_t from, size_t *begin, size_t *end, int32_t *id)
{
    const bool *begins = a->begins[normalized];
    for (size_t at = from; at < n; at++) {
        const added_token *t =
            begins[(unsigned char)bytes[at]] ? find_token_at(a, normalized, bytes, n, at) : NULL;
        if (!t)
            continue;
        if (t->single_word && !stands_alone(bytes, n, at, at + t->n)) {
            at += t->n - 1;
            continue;
        }
        size_t left = at, right = at + t->n, length;
        while (t->lstrip && left > from &&
               utf8_is_space(utf8_decode(bytes + character_before(bytes, left), &length)))
            left = character_before(bytes, left);
        while (t->rstrip && right < n && utf8_is_space(utf8_decode(bytes + right, &length)))
            right += length;
        *begin = left;
        *end = right;
        *id = t->id;
        return true;
    }
    return false;
}
