// SPDX-License-Identifier: Apache-2.0
// Added tokens are sought twice, in the raw text and in the normalised one, as `tokenizers` does
// it. A text without words of its own (SentencePiece's) is cut before each "▁" where no rule merges
// across it, so that the cache of words serves there too. A limit ends an encoding by
// ERR_INTERRUPTED, which does not leave this file.
#include "data/tokenizer/encoder.h"

#include <stdlib.h>
#include <string.h>

#include "data/bytes/utf8.h"
#include "data/tokenizer/tokenizer_rules.h"
#include "data/tokenizer/word_encoder.h"
#include "pipeline/base/checked.h"
#include "pipeline/base/text.h"

struct encoder {
    const tokenizer_rules *rules; // borrowed
    word_encoder *words;
    splitter_workspace *splitter;
    text repaired, normalized;
    token_list *out; // of the call under way
    size_t limit;
};

status encoder_new(const tokenizer *t, encoder **out)
{
    status st;
    encoder *e = checked_calloc(1, sizeof *e);
    if (!e)
        return status_no_memory("a tokenizer");
    e->rules = tokenizer_get_rules(t);
    TRY(word_encoder_new(e->rules, &e->words));
    TRY(splitter_workspace_new(e->rules->splitter, &e->splitter));
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
    word_encoder_free(e->words);
    splitter_workspace_free(e->splitter);
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
    if (!e->rules->cut_marks)
        return word_encoder_encode(e->words, bytes, n, e->out);
    const size_t mark = sizeof SPACE_MARK - 1;
    size_t from = 0;
    bool run = true; // inside a run of marks
    for (size_t at = 0; at < n && st == OK;) {
        bool is_mark = n - at >= mark && memcmp(bytes + at, SPACE_MARK, mark) == 0;
        if (is_mark && !run) {
            st = word_encoder_encode(e->words, bytes + from, at - from, e->out);
            from = at;
            if (st == OK && is_full(e))
                return ERR_INTERRUPTED;
        }
        run = is_mark;
        at += is_mark ? mark : 1;
    }
    return st == OK ? word_encoder_encode(e->words, bytes + from, n - from, e->out) : st;
}

// A stretch without added tokens of the raw text: normalised, searched for those of the normalised
// text, cut and encoded.
static status encode_stretch(encoder *e, const char *bytes, size_t n, bool first)
{
    status st;
    size_t at = 0, begin, end;
    int32_t id;
    e->normalized.length = 0;
    TRY(normalizer_apply(e->rules->normalizer, bytes, n, &e->normalized));
    if (e->normalized.failed)
        return status_no_memory("a text");
    const char *s = text_get(&e->normalized);
    size_t length = e->normalized.length;
    while (at < length) {
        bool found = added_tokens_next(e->rules->added, true, s, length, at, &begin, &end, &id);
        TRY(splitter_cut(e->splitter, s + at, (found ? begin : length) - at, first && at == 0,
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
        bool found = added_tokens_next(e->rules->added, false, bytes, n, at, &begin, &end, &id);
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
    if (special)
        TRY(token_list_append(out, e->rules->prefix.id, e->rules->prefix.n));
    TRY(encode_text(e, bytes, n));
    if (special)
        TRY(token_list_append(out, e->rules->suffix.id, e->rules->suffix.n));
done:
    return st;
}
