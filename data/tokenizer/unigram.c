// SPDX-License-Identifier: Apache-2.0
// For each place of the word the best way to it is kept, the first of equals, as `tokenizers` breaks
// ties; scores are added in its order, in double precision. A character without a piece costs ten
// more than the worst piece, and neighbours of its kind are one.
#include "data/tokenizer/unigram.h"

#include <float.h>
#include <stdlib.h>
#include <string.h>

#include "data/tokenizer/prefix_index.h"
#include "pipeline/base/checked.h"

static const double UNKNOWN_COSTS = 10; // beyond the worst score

struct unigram {
    const vocabulary *v; // borrowed
    prefix_index *index;
    double *score; // by id
    double unknown_score;
    unigram_options options;
};

// The best way to a place of the word.
typedef struct way {
    double score;
    size_t from;
    int32_t id;
    bool reached;
} way;

struct unigram_encoder {
    const unigram *u;
    way *ways; // by place
    size_t capacity;
    size_t *cuts; // the places of the best way, the last first
    size_t n_cuts, cuts_capacity;
};

status unigram_new(const vocabulary *v, const double *score, const unigram_options *options,
                   unigram **out)
{
    status st;
    const int32_t size = vocabulary_size(v);
    double least = DBL_MAX;
    unigram *u = checked_calloc(1, sizeof *u);
    if (!u)
        return status_no_memory("a vocabulary");
    u->v = v;
    u->options = *options;
    TRY(prefix_index_new(&u->index));
    u->score = checked_calloc((size_t)size, sizeof *u->score);
    if (!u->score) {
        st = status_no_memory("a vocabulary");
        goto done;
    }
    for (int32_t id = 0; id < size; id++) {
        size_t n;
        const char *bytes = vocabulary_piece(v, id, &n);
        u->score[id] = score[id];
        least = bytes && score[id] < least ? score[id] : least;
        if (bytes && n > 0)
            TRY(prefix_index_add(u->index, bytes, n, id));
    }
    u->unknown_score = least - UNKNOWN_COSTS;
    prefix_index_ready(u->index);
    *out = u;
    u = NULL;
done:
    unigram_free(u);
    return st;
}

void unigram_free(unigram *u)
{
    if (!u)
        return;
    prefix_index_free(u->index);
    free(u->score);
    free(u);
}

status unigram_encoder_new(const unigram *u, unigram_encoder **out)
{
    *out = checked_calloc(1, sizeof **out);
    if (!*out)
        return status_no_memory("a tokenizer");
    (*out)->u = u;
    return OK;
}

void unigram_encoder_free(unigram_encoder *e)
{
    if (!e)
        return;
    free(e->ways);
    free(e->cuts);
    free(e);
}

static void go(way *ways, size_t from, size_t to, double score, int32_t id)
{
    const double sum = score + ways[from].score;
    if (!ways[to].reached || sum > ways[to].score)
        ways[to] = (way){sum, from, id, true};
}

static size_t character_bytes(const char *word, size_t n, size_t at)
{
    size_t end = at + 1;
    while (end < n && ((unsigned char)word[end] & 0xC0) == 0x80)
        end++;
    return end - at;
}

static status find_ways(unigram_encoder *e, const char *word, size_t n)
{
    const unigram *u = e->u;
    if (!checked_grow(&e->ways, &e->capacity, n + 1, sizeof *e->ways))
        return status_no_memory("a long word");
    for (size_t i = 0; i <= n; i++)
        e->ways[i].reached = false;
    e->ways[0].score = 0;
    for (size_t at = 0, step; at < n; at += step) {
        prefix_walk walk = {0};
        bool single = false;
        size_t length;
        int32_t id;
        step = character_bytes(word, n, at);
        while (prefix_index_next(u->index, &walk, word + at, n - at, &length, &id)) {
            go(e->ways, at, at + length, u->score[id], id);
            single = single || length == step;
        }
        if (single)
            continue;
        if (u->options.unknown < 0)
            return status_fail(ERR_INPUT, u->options.file,
                               "a text has a character without a token (%.*s), and model.unk_id is "
                               "null",
                               (int)step, word + at);
        go(e->ways, at, at + step, u->unknown_score, u->options.unknown);
    }
    return OK;
}

// The ids of a stretch that was spelled by no piece.
static status add_unknown(const unigram *u, const char *bytes, size_t n, token_list *out)
{
    status st = OK;
    const int32_t whole = vocabulary_find(u->v, bytes, n);
    const int32_t *byte_id = vocabulary_byte_ids(u->v);
    bool by_bytes = whole < 0 && u->options.byte_fallback;
    for (size_t i = 0; i < n && by_bytes; i++)
        by_bytes = byte_id[(unsigned char)bytes[i]] >= 0;
    if (!by_bytes)
        return token_list_add(out, whole < 0 ? u->options.unknown : whole);
    for (size_t i = 0; i < n && st == OK; i++)
        st = token_list_add(out, byte_id[(unsigned char)bytes[i]]);
    return st;
}

status unigram_encoder_encode(unigram_encoder *e, const char *word, size_t n, token_list *out)
{
    status st = OK;
    const unigram *u = e->u;
    TRY(find_ways(e, word, n));
    e->n_cuts = 0;
    for (size_t at = n; at > 0; at = e->ways[at].from) {
        if (!checked_grow(&e->cuts, &e->cuts_capacity, e->n_cuts + 1, sizeof *e->cuts))
            return status_no_memory("a long word");
        e->cuts[e->n_cuts++] = at;
    }
    while (e->n_cuts > 0) {
        const way *w = &e->ways[e->cuts[--e->n_cuts]];
        size_t end = e->cuts[e->n_cuts];
        if (w->id != u->options.unknown) {
            TRY(token_list_add(out, w->id));
            continue;
        }
        while (e->n_cuts > 0 && e->ways[e->cuts[e->n_cuts - 1]].id == u->options.unknown)
            end = e->cuts[--e->n_cuts];
        TRY(add_unknown(u, word + w->from, end - w->from, out));
    }
done:
    return st;
}
