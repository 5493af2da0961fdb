// SPDX-License-Identifier: Apache-2.0
// Which token stands for an answer depends on the tokenizer: "▁A", or an "A" behind a "▁" of its
// own. So the letters' tokens are found by tokenising "Answer: A", and what comes between "Answer:"
// and the letter ends every prompt. A prompt that is too long loses its beginning, never its end,
// where the answer is asked.
#include "data/tokens/text_coding.h"

#include <string.h>

#include "data/bytes/json_line.h"

enum { LETTERS = 4 };

// The tokens of "Answer:" and, behind them, of each letter.
static status encode_letters(encoder *e, token_list *base, token_list full[LETTERS])
{
    status st;
    char answer[] = "Answer: A";
    TRY(encoder_encode(e, answer, strlen("Answer:"), false, 0, base));
    for (int i = 0; i < LETTERS; i++) {
        answer[strlen(answer) - 1] = (char)('A' + i);
        TRY(encoder_encode(e, answer, strlen(answer), false, 0, &full[i]));
    }
done:
    return st;
}

// Whether all letters come as the base, the same tokens, and one that is the letter's own.
static bool have_common_tail(const token_list *base, const token_list full[LETTERS])
{
    for (int i = 0; i < LETTERS; i++)
        if (full[i].n <= base->n || full[i].n != full[0].n ||
            memcmp(full[i].id, base->id, base->n * sizeof *base->id) != 0 ||
            memcmp(full[i].id, full[0].id, (full[0].n - 1) * sizeof *base->id) != 0)
            return false;
    return true;
}

status text_coding_find_letters(text_coding *c, const char *path)
{
    status st;
    encoder *e = NULL;
    token_list base = {0}, full[LETTERS] = {{0}};
    TRY(encoder_new(c->tokenizer, &e));
    TRY(encode_letters(e, &base, full));
    for (int i = 0; i < LETTERS; i++) {
        bool none = full[i].n == 0;
        c->candidate[i] = none ? -1 : full[i].id[full[i].n - 1];
        for (int k = 0; k < i; k++)
            none = none || c->candidate[k] == c->candidate[i];
        if (none) {
            st = status_fail(ERR_INPUT, path,
                             "the tokenizer does not tell the letters A to D apart");
            goto done;
        }
    }
    if (have_common_tail(&base, full))
        TRY(token_list_append(&c->tail, full[0].id + base.n, full[0].n - 1 - base.n));
done:
    token_list_free(&base);
    for (int i = 0; i < LETTERS; i++)
        token_list_free(&full[i]);
    encoder_free(e);
    return st;
}

// The prompt with its shots from `drop` on.
static status encode_prompt(const text_coding *c, encoder *e, text *scratch, const char *bytes,
                            const text_item *item, size_t drop, token_list *ids)
{
    status st;
    const text_document *d = &item->document;
    const token_list *prefix = tokenizer_prefix(c->tokenizer);
    scratch->length = 0;
    text_add_bytes(scratch, bytes, item->shot[0]);
    text_add_bytes(scratch, bytes + item->shot[drop], d->n - item->shot[drop]);
    if (scratch->failed)
        return status_no_memory("a prompt");
    ids->n = 0;
    TRY(token_list_append(ids, prefix->id, prefix->n));
    TRY(encoder_encode(e, text_get(scratch), scratch->length, false, 0, ids));
    TRY(token_list_append(ids, c->tail.id, c->tail.n));
done:
    return st;
}

static status encode_question(const text_coding *c, encoder *e, text *scratch, const char *bytes,
                              text_item *item)
{
    status st;
    size_t drop = 0, most = (size_t)c->context, keep = tokenizer_prefix(c->tokenizer)->n;
    token_list *ids = &item->ids;
    TRY(encode_prompt(c, e, scratch, bytes, item, 0, ids));
    while (ids->n > most && drop < item->document.shots)
        TRY(encode_prompt(c, e, scratch, bytes, item, ++drop, ids));
    item->shortened = drop > 0 || ids->n > most;
    if (ids->n > most) {
        keep = keep < most ? keep : most - 1;
        size_t rest = most - keep;
        memmove(ids->id + keep, ids->id + ids->n - rest, rest * sizeof *ids->id);
        ids->n = most;
    }
done:
    return st;
}

status text_coding_encode(const text_coding *c, encoder *e, text *scratch, const char *bytes,
                          text_item *item)
{
    status st;
    const text_document *d = &item->document;
    const token_list *prefix = tokenizer_prefix(c->tokenizer),
                     *suffix = tokenizer_suffix(c->tokenizer);
    size_t n = d->n;
    bool joined = d->joined || c->pack;
    if (item->shot)
        return encode_question(c, e, scratch, bytes, item);
    if (d->escaped) {
        scratch->length = 0;
        json_line_unescape(bytes, n, scratch);
        if (scratch->failed)
            return status_no_memory("a document");
        bytes = text_get(scratch);
        n = scratch->length;
    }
    if (!d->inner && !(c->framed && joined))
        TRY(token_list_append(&item->ids, prefix->id, prefix->n));
    TRY(encoder_encode(e, bytes, n, false, joined ? 0 : (size_t)c->context, &item->ids));
    if (c->framed && !joined && item->ids.n + suffix->n > (size_t)c->context)
        item->ids.n = (size_t)c->context - suffix->n;
    if (!d->outer && !(c->framed && joined))
        TRY(token_list_append(&item->ids, suffix->id, suffix->n));
done:
    return st;
}
