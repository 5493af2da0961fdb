// SPDX-License-Identifier: Apache-2.0
// The only file that knows all readers: to add a kind of file, write a reader of tokenizer_rules
// and choose it here. What follows from the rules is worked out when they are read, for threads
// share them from then on.
#include "data/tokenizer/tokenizer.h"

#include <stdlib.h>
#include <string.h>

#include "data/tokenizer/tokenizer_gguf.h"
#include "data/tokenizer/tokenizer_json.h"
#include "data/tokenizer/tokenizer_rules.h"
#include "pipeline/base/checked.h"
#include "pipeline/base/file.h"

struct tokenizer {
    tokenizer_rules rules;
};

char *tokenizer_file(const char *path)
{
    return file_is_folder(path) ? file_join(path, "tokenizer.json") : strdup(path);
}

status tokenizer_open(const char *path, tokenizer **out)
{
    status st;
    tokenizer *t = checked_calloc(1, sizeof *t);
    if (!t)
        return status_no_memory("a tokenizer");
    tokenizer_rules *r = &t->rules;
    TRY(added_tokens_new(&r->added));
    if (!(r->path = tokenizer_file(path))) {
        st = status_no_memory("a path");
        goto done;
    }
    size_t n = strlen(r->path);
    bool is_gguf = n > 5 && strcmp(r->path + n - 5, ".gguf") == 0;
    TRY(is_gguf ? tokenizer_gguf_read(r) : tokenizer_json_read(r));
    added_tokens_ready(r->added);
    r->cut_marks = r->bpe && !r->byte_level && vocabulary_find(r->vocabulary, SPACE_MARK, 3) >= 0 &&
                   bpe_cuts_before(r->bpe, SPACE_MARK, 3);
    *out = t;
    t = NULL;
done:
    tokenizer_close(t);
    return st;
}

void tokenizer_close(tokenizer *t)
{
    if (!t)
        return;
    tokenizer_rules_free(&t->rules);
    free(t);
}

const token_list *tokenizer_prefix(const tokenizer *t)
{
    return &t->rules.prefix;
}

const token_list *tokenizer_suffix(const tokenizer *t)
{
    return &t->rules.suffix;
}

const tokenizer_rules *tokenizer_get_rules(const tokenizer *t)
{
    return &t->rules;
}

// Appends a piece of a vocabulary with marks for spaces and <0xNN> for bytes.
static void decode_marked(const char *piece, size_t n, text *out)
{
    char byte[3] = {0};
    if (n == 6 && memcmp(piece, "<0x", 3) == 0 && piece[5] == '>') {
        memcpy(byte, piece + 3, 2);
        char value = (char)strtol(byte, NULL, 16);
        text_add_bytes(out, &value, 1);
        return;
    }
    while (n > 0) {
        const char *mark = memmem(piece, n, SPACE_MARK, 3);
        size_t plain = mark ? (size_t)(mark - piece) : n;
        text_add_bytes(out, piece, plain);
        if (mark)
            text_add(out, " ");
        piece += plain + (mark ? 3 : 0);
        n -= plain + (mark ? 3 : 0);
    }
}

// Appends a piece of WordPiece's, with a space before it where a word begins.
static void decode_word(const tokenizer_rules *r, const char *piece, size_t n, bool first,
                        text *out)
{
    const size_t mark = strlen(r->goes_on);
    if (n > mark && memcmp(piece, r->goes_on, mark) == 0) {
        text_add_bytes(out, piece + mark, n - mark);
        return;
    }
    if (!first)
        text_add(out, " ");
    text_add_bytes(out, piece, n);
}

status tokenizer_decode(const tokenizer *t, const int32_t *id, size_t n, text *out)
{
    size_t begin = out->length, length;
    const tokenizer_rules *r = &t->rules;
    bool strip = r->strip_space;
    for (size_t i = 0; i < n; i++) {
        const added_token *a = added_tokens_of(r->added, id[i]);
        const char *piece = a ? a->content : vocabulary_piece(r->vocabulary, id[i], &length);
        if (!piece || (a && a->special))
            continue;
        if (a || r->byte_level)
            text_add_bytes(out, piece, a ? a->n : length);
        else if (r->goes_on)
            decode_word(r, piece, length, out->length == begin, out);
        else
            decode_marked(piece, length, out);
        if (strip && out->length > begin && out->at[begin] == ' ') {
            memmove(out->at + begin, out->at + begin + 1, out->length - begin);
            out->length--;
            strip = false; // one space was put in front, no more
        }
        strip = strip && out->length == begin;
    }
    return out->failed ? status_no_memory("a text") : OK;
}
