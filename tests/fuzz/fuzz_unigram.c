// SPDX-License-Identifier: Apache-2.0
// A unigram model beside the plain way: for each place of the word all pieces that end there. A
// piece's score is told by its first byte, so that many are equal; the first is the unknown one.
#include "fuzz.h"

#include "data/tokenizer/unigram.h"
#include "pieces.h"

static double score_of(const pieces *p, int32_t id)
{
    return -(double)((unsigned char)p->piece[id].at[0] % 8) / 2;
}

typedef struct step {
    double score;
    size_t from;
    int32_t id; // -1: not reached
} step;

// The best step to a place: of equal ones the one that begins first.
static step find_step(const pieces *p, const step *before, size_t end, double unknown)
{
    const char *word = text_get(&p->word);
    step best = {.id = -1};
    for (size_t from = 0; from < end; from++) {
        const bool boundary = (word[from] & 0xC0) != 0x80;
        size_t next = from + 1;
        while (next < p->word.length && (word[next] & 0xC0) == 0x80)
            next++;
        int32_t id = boundary ? pieces_find(p, word + from, end - from) : -1;
        double score = id >= 0 ? score_of(p, id) : unknown;
        if (!boundary || (id < 0 && next != end))
            continue;
        score += before[from].score;
        if (best.id < 0 || score > best.score)
            best = (step){score, from, id < 0 ? 0 : id};
    }
    return best;
}

static status add_unknown(const pieces *p, const char *bytes, size_t n, bool fallback,
                          token_list *out)
{
    status st = OK;
    const int32_t whole = pieces_find(p, bytes, n);
    for (size_t i = 0; i < n && fallback; i++)
        fallback = vocabulary_byte_ids(p->v)[(unsigned char)bytes[i]] >= 0;
    if (whole >= 0 || !fallback)
        return token_list_add(out, whole >= 0 ? whole : 0);
    for (size_t i = 0; i < n && st == OK; i++)
        st = token_list_add(out, vocabulary_byte_ids(p->v)[(unsigned char)bytes[i]]);
    return st;
}

static status encode_plainly(const pieces *p, bool fallback, token_list *out)
{
    status st = OK;
    step steps[3 * WORD_BYTES + 1] = {{0}};
    size_t cuts[3 * WORD_BYTES] = {0}, n = 0;
    double least = 0;
    const char *word = text_get(&p->word);
    for (int32_t id = 0; id < p->n; id++)
        least = id == 0 || score_of(p, id) < least ? score_of(p, id) : least;
    for (size_t end = 1; end <= p->word.length; end++)
        if (end == p->word.length || (word[end] & 0xC0) != 0x80)
            steps[end] = find_step(p, steps, end, least - 10);
    for (size_t at = p->word.length; at > 0; at = steps[at].from)
        cuts[n++] = at;
    while (n > 0) {
        const size_t from = steps[cuts[--n]].from;
        size_t end = cuts[n];
        if (steps[end].id != 0) {
            TRY(token_list_add(out, steps[end].id));
            continue;
        }
        while (n > 0 && steps[cuts[n - 1]].id == 0)
            end = cuts[--n];
        TRY(add_unknown(p, word + from, end - from, fallback, out));
    }
done:
    return st;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    status st;
    pieces p;
    double score[PIECES];
    unigram *u = NULL;
    unigram_encoder *e = NULL;
    token_list got = {0}, expected = {0};
    const bool fallback = n > 0 && bytes[n - 1] % 2;
    TRY(pieces_read(bytes, n, &p));
    if (p.n == 0)
        TRY(status_fail(ERR_INPUT, "input", "no pieces"));
    for (int32_t id = 0; id < p.n; id++)
        score[id] = score_of(&p, id);
    TRY(unigram_new(p.v, score, &(unigram_options){.file = "input", .byte_fallback = fallback},
                    &u));
    TRY(unigram_encoder_new(u, &e));
    for (int again = 0; again < 2; again++) { // with what it had before
        got.n = 0;
        TRY(unigram_encoder_encode(e, text_get(&p.word), p.word.length, &got));
    }
    TRY(encode_plainly(&p, fallback, &expected));
    pieces_compare(&got, &expected);
done:
    token_list_free(&got);
    token_list_free(&expected);
    unigram_encoder_free(e);
    unigram_free(u);
    pieces_free(&p);
    fuzz_end(st);
    return 0;
}
