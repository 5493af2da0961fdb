// SPDX-License-Identifier: Apache-2.0
// Two indexes, of the pieces that begin a word and of those that go on with one, without their "##":
// so nothing is copied to look it up. What begins a word may be spelled with "##" itself, as in
// `tokenizers`.
#include "data/tokenizer/wordpiece.h"

#include <stdlib.h>
#include <string.h>

#include "data/tokenizer/prefix_index.h"
#include "pipeline/base/checked.h"

struct wordpiece {
    prefix_index *begin, *go_on;
    size_t most;
    int32_t unknown;
};

status wordpiece_new(const vocabulary *v, const wordpiece_options *options, wordpiece **out)
{
    status st;
    const size_t prefix = strlen(options->prefix);
    wordpiece *w = checked_calloc(1, sizeof *w);
    if (!w)
        return status_no_memory("a vocabulary");
    w->most = options->most;
    w->unknown = options->unknown;
    TRY(prefix_index_new(&w->begin));
    TRY(prefix_index_new(&w->go_on));
    for (int32_t id = 0; id < vocabulary_size(v); id++) {
        size_t n;
        const char *bytes = vocabulary_piece(v, id, &n);
        if (!bytes || n == 0)
            continue;
        TRY(prefix_index_add(w->begin, bytes, n, id));
        if (n > prefix && memcmp(bytes, options->prefix, prefix) == 0)
            TRY(prefix_index_add(w->go_on, bytes + prefix, n - prefix, id));
    }
    prefix_index_ready(w->begin);
    prefix_index_ready(w->go_on);
    *out = w;
    w = NULL;
done:
    wordpiece_free(w);
    return st;
}

void wordpiece_free(wordpiece *w)
{
    if (!w)
        return;
    prefix_index_free(w->begin);
    prefix_index_free(w->go_on);
    free(w);
}

// Has the word more characters than a word may have?
static bool is_too_long(const wordpiece *w, const char *word, size_t n)
{
    size_t characters = 0;
    if (n <= w->most)
        return false;
    for (size_t i = 0; i < n; i++)
        characters += ((unsigned char)word[i] & 0xC0) != 0x80;
    return characters > w->most;
}

// Is there no half of a character on either side?
static bool is_boundary(const char *word, size_t n, size_t at)
{
    return at >= n || ((unsigned char)word[at] & 0xC0) != 0x80;
}

status wordpiece_encode(const wordpiece *w, const char *word, size_t n, token_list *out)
{
    status st = OK;
    const size_t before = out->n;
    bool spelled = !is_too_long(w, word, n);
    for (size_t at = 0, step; at < n && spelled; at += step) {
        prefix_walk walk = {0};
        size_t length;
        int32_t id, longest = -1;
        step = 0;
        while (prefix_index_next(at ? w->go_on : w->begin, &walk, word + at, n - at, &length, &id))
            if (is_boundary(word, n, at + length)) {
                step = length;
                longest = id;
            }
        spelled = longest >= 0;
        if (spelled)
            TRY(token_list_add(out, longest));
    }
    if (!spelled) {
        out->n = before;
        TRY(token_list_add(out, w->unknown));
    }
done:
    return st;
}
