// SPDX-License-Identifier: Apache-2.0
#include "data/tokenizer/tokenizer.h"

#include <stdlib.h>
#include <string.h>

#include "data/bytes/utf8.h"
#include "data/tokenizer/tokenizer_rules.h"
#include "pipeline/base/checked.h"
#include "pipeline/base/file.h"

struct encoder {
    const tokenizer *t;
    bpe_encoder *bpe;
    splitting *splitting;
    text repaired, normalized;
    token_list *out; // of the call under way
    size_t limit;
};

status token_list_add(token_list *l, int32_t id)
{
    if (!checked_grow(&l->id, &l->capacity, l->n + 1, sizeof *l->id))
        return status_no_memory("tokens");
    l->id[l->n++] = id;
    return OK;
}

void token_list_free(token_list *l)
{
    free(l->id);
    *l = (token_list){0};
}

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
    TRY(added_tokens_new(&t->added));
    if (!(t->path = tokenizer_file(path))) {
        st = status_no_memory("a path");
        goto done;
    }
    size_t n = strlen(t->path);
    bool is_gguf = n > 5 && strcmp(t->path + n - 5, ".gguf") == 0;
    TRY(is_gguf ? tokenizer_read_gguf(t, t->path) : tokenizer_read_json(t, t->path));
    added_tokens_ready(t->added);
    t->cut_marks = !t->byte_level && bpe_find(t->bpe, SPACE_MARK, 3) >= 0 &&
                   bpe_cuts_before(t->bpe, SPACE_MARK, 3);
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
    normalizer_free(t->normalizer);
    splitter_free(t->splitter);
    bpe_free(t->bpe);
    added_tokens_free(t->added);
    token_list_free(&t->prefix);
    token_list_free(&t->suffix);
    free(t->path);
    free(t);
}

int32_t tokenizer_size(const tokenizer *t)
{
    int32_t size = bpe_size(t->bpe);
    for (size_t i = 0; i < added_tokens_count(t->added); i++)
        if (added_tokens_at(t->added, i)->id >= size)
            size = added_tokens_at(t->added, i)->id + 1;
    return size;
}

int32_t tokenizer_find(const tokenizer *t, const char *piece)
{
    size_t n = strlen(piece);
    char bytes[256];
    for (size_t i = 0; i < added_tokens_count(t->added); i++) {
        const added_token *a = added_tokens_at(t->added, i);
        if (a->n == n && memcmp(a->content, piece, n) == 0)
            return a->id;
    }
    if (!t->byte_level)
        return bpe_find(t->bpe, piece, n);
    int64_t length = n <= sizeof bytes ? byte_alphabet_decode(piece, n, bytes) : -1;
    return length < 0 ? -1 : bpe_find(t->bpe, bytes, (size_t)length);
}

const token_list *tokenizer_prefix(const tokenizer *t)
{
    return &t->prefix;
}

const token_list *tokenizer_suffix(const tokenizer *t)
{
    return &t->suffix;
}

status encoder_new(const tokenizer *t, encoder **out)
{
    status st;
    encoder *e = checked_calloc(1, sizeof *e);
    if (!e)
        return status_no_memory("a tokenizer");
    e->t = t;
    TRY(bpe_encoder_new(t->bpe, &e->bpe));
    TRY(splitting_new(t->splitter, &e->splitting));
    *out = e;
    e = NULL;
done:
    encoder_free(e);
    return st;
}

void encoder_free(encoder *e)
{
    if (!e)
        return;
    bpe_encoder_free(e->bpe);
    splitting_free(e->splitting);
    text_free(&e->repaired);
    text_free(&e->normalized);
    free(e);
}

static bool is_full(const encoder *e)
{
    return e->limit > 0 && e->out->n >= e->limit;
}

// One word of the splitter. A word that SentencePiece would merge as a whole is cut where that
// changes nothing, so that the cache of words serves. ERR_INTERRUPTED, without a message, ends an
// encoding that has enough.
static status encode_word(void *context, const char *bytes, size_t n)
{
    encoder *e = context;
    status st = OK;
    if (is_full(e))
        return ERR_INTERRUPTED;
    if (!e->t->cut_marks)
        return bpe_encode(e->bpe, bytes, n, e->out);
    const size_t mark = sizeof SPACE_MARK - 1;
    size_t from = 0;
    bool run = true; // inside a run of marks
    for (size_t at = 0; at < n && st == OK;) {
        bool is_mark = n - at >= mark && memcmp(bytes + at, SPACE_MARK, mark) == 0;
        if (is_mark && !run) {
            st = bpe_encode(e->bpe, bytes + from, at - from, e->out);
            from = at;
            if (st == OK && is_full(e))
                return ERR_INTERRUPTED;
        }
        run = is_mark;
        at += is_mark ? mark : 1;
    }
    return st == OK ? bpe_encode(e->bpe, bytes + from, n - from, e->out) : st;
}

// A stretch without added tokens of the raw text: normalised, searched for those of the normalised
// text, cut and encoded.
static status encode_stretch(encoder *e, const char *bytes, size_t n, bool first)
{
    status st;
    size_t at = 0, begin, end;
    int32_t id;
    e->normalized.length = 0;
    TRY(normalizer_apply(e->t->normalizer, bytes, n, &e->normalized));
    if (e->normalized.failed)
        return status_no_memory("a text");
    const char *s = text_get(&e->normalized);
    size_t length = e->normalized.length;
    while (at < length) {
        bool found = added_tokens_next(e->t->added, true, s, length, at, &begin, &end, &id);
        TRY(splitting_run(e->splitting, s + at, (found ? begin : length) - at, first && at == 0,
                          encode_word, e));
        if (!found)
            break;
        TRY(token_list_add(e->out, id));
        at = end;
    }
done:
    return st;
}

static status encode_text(encoder *e, const char *bytes, size_t n)
{
    status st = OK;
    size_t at = 0, begin, end;
    int32_t id;
    if (!utf8_valid(bytes, n)) {
        e->repaired.length = 0;
        utf8_repair(bytes, n, &e->repaired);
        if (e->repaired.failed)
            return status_no_memory("a text");
        bytes = text_get(&e->repaired);
        n = e->repaired.length;
    }
    while (at < n && !is_full(e)) {
        bool found = added_tokens_next(e->t->added, false, bytes, n, at, &begin, &end, &id);
        TRY(encode_stretch(e, bytes + at, (found ? begin : n) - at, at == 0));
        if (!found)
            break;
        TRY(token_list_add(e->out, id));
        at = end;
    }
done:
    return st == ERR_INTERRUPTED ? OK : st;
}

status encoder_encode(encoder *e, const char *bytes, size_t n, bool special, size_t limit,
                      token_list *out)
{
    status st = OK;
    e->out = out;
    e->limit = limit;
    for (size_t i = 0; special && i < e->t->prefix.n; i++)
        TRY(token_list_add(out, e->t->prefix.id[i]));
    TRY(encode_text(e, bytes, n));
    for (size_t i = 0; special && i < e->t->suffix.n; i++)
        TRY(token_list_add(out, e->t->suffix.id[i]));
done:
    return st;
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

status tokenizer_decode(const tokenizer *t, const int32_t *id, size_t n, text *out)
{
    size_t begin = out->length, length;
    bool strip = t->strip_space;
    for (size_t i = 0; i < n; i++) {
        const added_token *a = added_tokens_of(t->added, id[i]);
        const char *piece = a ? a->content : bpe_piece(t->bpe, id[i], &length);
        if (!piece || (a && a->special))
            continue;
        if (a || t->byte_level)
            text_add_bytes(out, piece, a ? a->n : length);
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
