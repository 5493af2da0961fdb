// SPDX-License-Identifier: Apache-2.0
// These tokens are few and sought at every byte of a text: speed is in passing over bytes that
// begin none of them. But a file may hold as many as it likes: so they lie in order, and
// the range of those that agree with the text is narrowed byte by byte.
#include "data/tokenizer/added_tokens.h"

#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>

#include "data/bytes/utf8.h"
#include "pipeline/base/checked.h"

struct added_tokens {
    added_token *tokens; // those of the normalised text behind the others; each in byte order
    size_t n, capacity;
    size_t first[2][257]; // where each first byte's tokens begin, of either
};

enum { CONTENT_BYTES = 4096 };

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
    if (token->n > CONTENT_BYTES)
        return status_fail(ERR_INPUT, file, "added token %d has %zu bytes", token->id, token->n);
    if (!checked_grow(&a->tokens, &a->capacity, a->n + 1, sizeof *a->tokens))
        return status_no_memory("added tokens");
    added_token *t = &a->tokens[a->n];
    *t = *token;
    t->place = a->n;
    t->content = malloc(token->n);
    if (!t->content)
        return status_no_memory("added tokens");
    memcpy(t->content, token->content, token->n);
    a->n++;
    return OK;
}

// Of equal ones the first that was added comes first: ids that follow one another.
static int by_bytes(const void *x, const void *y)
{
    const added_token *a = x, *b = y;
    if (a->normalized != b->normalized)
        return a->normalized ? 1 : -1;
    int order = memcmp(a->content, b->content, a->n < b->n ? a->n : b->n);
    if (order != 0 || a->n != b->n)
        return order != 0 ? order : a->n < b->n ? -1 : 1;
    return a->place < b->place ? -1 : 1;
}

void added_tokens_ready(added_tokens *a)
{
    if (a->n > 0)
        qsort(a->tokens, a->n, sizeof *a->tokens, by_bytes);
    size_t at = 0;
    for (int kind = 0; kind < 2; kind++)
        for (int byte = 0; byte <= 256; byte++) {
            a->first[kind][byte] = at;
            while (at < a->n && a->tokens[at].normalized == kind &&
                   (unsigned char)a->tokens[at].content[0] == byte)
                at++;
        }
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
    if (begin > 0 &&
        is_word_character(utf8_decode(bytes + character_before(bytes, begin), &length)))
        return false;
    return end >= n || !is_word_character(utf8_decode(bytes + end, &length));
}

// The first of [low, high), which agree in the bytes before `depth`, whose byte there is `byte` or
// greater. Those that end before it have none, which is less than any.
static size_t find_byte(const added_tokens *a, size_t low, size_t high, size_t depth, int byte)
{
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const added_token *t = &a->tokens[middle];
        if (t->n <= depth || (unsigned char)t->content[depth] < byte)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

// The longest token of the wanted kind that begins at `at`, or NULL.
static const added_token *find_token_at(const added_tokens *a, bool normalized, const char *bytes,
                                        size_t n, size_t at)
{
    const added_token *longest = NULL;
    unsigned char byte = (unsigned char)bytes[at];
    size_t low = a->first[normalized][byte], high = a->first[normalized][byte + 1];
    for (size_t depth = 1; low < high; depth++) {
        if (a->tokens[low].n == depth)
            longest = &a->tokens[low]; // of those that agree, the shortest comes first
        if (depth == n - at)
            break;
        byte = (unsigned char)bytes[at + depth];
        low = find_byte(a, low, high, depth, byte);
        high = find_byte(a, low, high, depth, byte + 1);
    }
    return longest;
}

bool added_tokens_next(const added_tokens *a, bool normalized, const char *bytes, size_t n,
                       size_t from, size_t *begin, size_t *end, int32_t *id)
{
    for (size_t at = from; at < n; at++) {
        const added_token *t = find_token_at(a, normalized, bytes, n, at);
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
