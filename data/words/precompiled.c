// SPDX-License-Identifier: Apache-2.0
// The table is a trie of Darts' kind (double array), four bytes a node, and behind it the
// replacements, each with a NUL at its end. It is used as `tokenizers` does it, not as SentencePiece:
// a cluster of characters of less than six bytes that begins with an entry is replaced as a whole, by
// that of the shortest; longer ones go character by character.
#include "data/words/precompiled.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>

#include "data/bytes/utf8.h"
#include "pipeline/base/checked.h"

enum { SHORT_CLUSTER = 6 };

struct precompiled {
    unsigned char *bytes; // owned
    size_t nodes;         // of the trie, behind its size of four bytes
    const char *forms;    // the replacements
    size_t n_forms;
};

static int digit_of(char c)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const char *at = c ? strchr(digits, c) : NULL;
    return at ? (int)(at - digits) : -1;
}

// The bytes of a base 64, *out large enough; -1 for what is none.
static int64_t decode_base64(const char *s, size_t n, unsigned char *out)
{
    uint32_t bits = 0;
    int held = 0;
    int64_t written = 0;
    while (n > 0 && s[n - 1] == '=')
        n--;
    for (size_t i = 0; i < n; i++) {
        const int digit = digit_of(s[i]);
        if (digit < 0)
            return -1;
        bits = bits << 6 | (uint32_t)digit;
        held += 6;
        if (held >= 8)
            out[written++] = (unsigned char)(bits >> (held -= 8));
    }
    return written;
}

static uint32_t read_u32(const unsigned char *at)
{
    return (uint32_t)at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
}

status precompiled_new(const char *base64, size_t n, const char *file, precompiled **out)
{
    precompiled *p = checked_calloc(1, sizeof *p);
    if (!p || !(p->bytes = checked_calloc(n / 4 * 3 + 4, 1))) {
        free(p);
        return status_no_memory("a normalizer");
    }
    const int64_t size = decode_base64(base64, n, p->bytes);
    const size_t trie = size >= 4 ? read_u32(p->bytes) : 0;
    if (size < 8 || trie < 4 || trie % 4 != 0 || trie > (size_t)size - 4) {
        precompiled_free(p);
        return status_fail(ERR_INPUT, file, "normalizer Precompiled has a malformed table");
    }
    p->nodes = trie / 4;
    p->forms = (const char *)p->bytes + 4 + trie;
    p->n_forms = (size_t)size - 4 - trie;
    *out = p;
    return OK;
}

void precompiled_free(precompiled *p)
{
    if (p)
        free(p->bytes);
    free(p);
}

// A node; 0, which leads nowhere, where there is none.
static uint32_t node_at(const precompiled *p, size_t at)
{
    return at < p->nodes ? read_u32(p->bytes + 4 + 4 * at) : 0;
}

static size_t offset_of(uint32_t node)
{
    return (size_t)(node >> 10) << ((node & 1u << 9) >> 6);
}

// The replacement of the shortest entry that the bytes begin with, or NULL.
static const char *find_form(const precompiled *p, const char *bytes, size_t n, size_t *length)
{
    size_t at = offset_of(node_at(p, 0));
    for (size_t i = 0; i < n && bytes[i]; i++) {
        const unsigned char c = (unsigned char)bytes[i];
        at ^= c;
        const uint32_t node = node_at(p, at);
        if ((node & (1u << 31 | 0xFF)) != c)
            return NULL;
        at ^= offset_of(node);
        if (node >> 8 & 1) {
            const size_t form = node_at(p, at) & 0x7FFFFFFF;
            if (form >= p->n_forms)
                return NULL;
            *length = strnlen(p->forms + form, p->n_forms - form);
            return p->forms + form;
        }
    }
    return NULL;
}

static void apply_cluster(const precompiled *p, const char *bytes, size_t n, text *out)
{
    size_t length, step;
    const char *form = n < SHORT_CLUSTER ? find_form(p, bytes, n, &length) : NULL;
    if (form) {
        text_add_bytes(out, form, length);
        return;
    }
    for (size_t at = 0; at < n; at += step) {
        utf8_decode(bytes + at, &step);
        form = find_form(p, bytes + at, step, &length);
        text_add_bytes(out, form ? form : bytes + at, form ? length : step);
    }
}

void precompiled_apply(const precompiled *p, const char *bytes, size_t n, text *out)
{
    utf8proc_int32_t state = 0, before = 0;
    size_t begin = 0, step;
    for (size_t at = 0; at < n; at += step) {
        const int32_t code = utf8_decode(bytes + at, &step);
        if (at > 0 && utf8proc_grapheme_break_stateful(before, code, &state)) {
            apply_cluster(p, bytes + begin, at - begin, out);
            begin = at;
        }
        before = code;
    }
    apply_cluster(p, bytes + begin, n - begin, out);
}
