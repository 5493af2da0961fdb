// SPDX-License-Identifier: Apache-2.0
// A word is a linked list of
// symbols; the best pair is sought among all of a short word and in a heap of a long one, since a
// text without spaces must not take quadratic time. A pair in the heap may be gone by the time it
// comes up: it holds the ids it was rated with, and is dropped where they differ.
#include "data/tokenizer/bpe_encoder.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/base/checked.h"

enum { SHORT_WORD = 24 }; // up to here the best pair is found by looking at all; beyond, by a heap

// A symbol of the word being merged; a list linked by index.
typedef struct symbol {
    int32_t id;
    int32_t previous, next; // -1 at the ends
    int32_t rank, result;   // of the pair with the next symbol; rank INT32_MAX: no rule
} symbol;

typedef struct candidate {
    int32_t rank, at, id, next_id; // the pair as it was when it entered the heap
} candidate;

struct bpe_encoder {
    const bpe *b;
    const vocabulary *v; // these three are b's
    const bpe_options *options;
    const int32_t *byte_id; // [256]
    symbol *symbols;
    size_t n_symbols, symbols_capacity;
    candidate *heap;
    size_t n_heap, heap_capacity;
};

status bpe_encoder_new(const bpe *b, bpe_encoder **out)
{
    bpe_encoder *e = checked_calloc(1, sizeof *e);
    if (!e)
        return status_no_memory("a tokenizer");
    e->b = b;
    e->v = bpe_vocabulary(b);
    e->options = bpe_get_options(b);
    e->byte_id = vocabulary_byte_ids(e->v);
    *out = e;
    return OK;
}

void bpe_encoder_free(bpe_encoder *e)
{
    if (!e)
        return;
    free(e->symbols);
    free(e->heap);
    free(e);
}

static status add_symbol(bpe_encoder *e, int32_t id)
{
    if (!checked_grow(&e->symbols, &e->symbols_capacity, e->n_symbols + 1, sizeof *e->symbols))
        return status_no_memory("a long word");
    e->symbols[e->n_symbols++] = (symbol){.id = id};
    return OK;
}

static size_t character_bytes(unsigned char first)
{
    return first < 0x80 ? 1 : first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4;
}

static status add_unknown(bpe_encoder *e)
{
    const bpe_options *o = e->options;
    bool fused =
        o->fuse_unknown && e->n_symbols > 0 && e->symbols[e->n_symbols - 1].id == o->unknown;
    return o->unknown < 0 || fused ? OK : add_symbol(e, o->unknown);
}

// The word's first symbols: bytes, or characters with their fallback.
static status split_word(bpe_encoder *e, const char *word, size_t n)
{
    const bpe_options *o = e->options;
    status st = OK;
    e->n_symbols = 0;
    for (size_t at = 0, step; at < n && st == OK; at += step) {
        step = o->byte_level ? 1 : character_bytes((unsigned char)word[at]);
        int32_t id = o->byte_level ? e->byte_id[(unsigned char)word[at]]
                                   : vocabulary_find(e->v, word + at, step);
        if (id >= 0) {
            st = add_symbol(e, id);
            continue;
        }
        bool bytes = o->byte_fallback && !o->byte_level;
        for (size_t i = 0; i < step && bytes; i++)
            bytes = e->byte_id[(unsigned char)word[at + i]] >= 0;
        if (!bytes)
            st = add_unknown(e);
        for (size_t i = 0; i < step && bytes && st == OK; i++)
            st = add_symbol(e, e->byte_id[(unsigned char)word[at + i]]);
    }
    return st;
}

// Looks up the rule of the pair that begins at `at`.
static void rate_pair(bpe_encoder *e, int32_t at)
{
    symbol *s = &e->symbols[at];
    const bpe_merge *m = s->next < 0 ? NULL : bpe_find_merge(e->b, s->id, e->symbols[s->next].id);
    s->rank = m ? m->rank : INT32_MAX;
    s->result = m ? m->result : -1;
}

// Joins the symbol at `at` with its next one.
static void join_symbols(bpe_encoder *e, int32_t at)
{
    symbol *s = &e->symbols[at], *gone = &e->symbols[s->next];
    s->id = s->result;
    s->next = gone->next;
    gone->id = -1;
    if (s->next >= 0)
        e->symbols[s->next].previous = at;
    rate_pair(e, at);
    if (s->previous >= 0)
        rate_pair(e, s->previous);
}

static void merge_by_scan(bpe_encoder *e)
{
    for (;;) {
        int32_t best = -1, rank = INT32_MAX;
        for (int32_t at = 0; at >= 0; at = e->symbols[at].next)
            if (e->symbols[at].rank < rank) {
                rank = e->symbols[at].rank;
                best = at;
            }
        if (best < 0)
            return;
        join_symbols(e, best);
    }
}

static bool comes_before(const candidate *a, const candidate *b)
{
    return a->rank < b->rank || (a->rank == b->rank && a->at < b->at);
}

static status push_candidate(bpe_encoder *e, int32_t at)
{
    const symbol *s = &e->symbols[at];
    if (s->rank == INT32_MAX)
        return OK;
    if (!checked_grow(&e->heap, &e->heap_capacity, e->n_heap + 1, sizeof *e->heap))
        return status_no_memory("a long word");
    candidate c = {s->rank, at, s->id, e->symbols[s->next].id};
    size_t i = e->n_heap++;
    for (; i > 0 && comes_before(&c, &e->heap[(i - 1) / 2]); i = (i - 1) / 2)
        e->heap[i] = e->heap[(i - 1) / 2];
    e->heap[i] = c;
    return OK;
}

static candidate pop_candidate(bpe_encoder *e)
{
    candidate top = e->heap[0], last = e->heap[--e->n_heap];
    size_t i = 0;
    for (size_t child; (child = 2 * i + 1) < e->n_heap; i = child) {
        if (child + 1 < e->n_heap && comes_before(&e->heap[child + 1], &e->heap[child]))
            child++;
        if (!comes_before(&e->heap[child], &last))
            break;
        e->heap[i] = e->heap[child];
    }
    e->heap[i] = last;
    return top;
}

static status merge_by_heap(bpe_encoder *e)
{
    status st = OK;
    e->n_heap = 0;
    for (int32_t at = 0; at >= 0 && st == OK; at = e->symbols[at].next)
        st = push_candidate(e, at);
    while (e->n_heap > 0 && st == OK) {
        candidate c = pop_candidate(e);
        const symbol *s = &e->symbols[c.at];
        if (s->id != c.id || s->next < 0 || e->symbols[s->next].id != c.next_id)
            continue; // the pair is no more
        join_symbols(e, c.at);
        st = push_candidate(e, c.at);
        if (st == OK && s->previous >= 0)
            st = push_candidate(e, s->previous);
    }
    return st;
}

static status merge_word(bpe_encoder *e, const char *word, size_t n, token_list *out)
{
    status st;
    TRY(split_word(e, word, n));
    if (e->n_symbols == 0)
        goto done;
    int32_t count = (int32_t)e->n_symbols;
    for (int32_t i = 0; i < count; i++) {
        e->symbols[i].previous = i - 1;
        e->symbols[i].next = i + 1 < count ? i + 1 : -1;
    }
    for (int32_t i = 0; i < count; i++)
        rate_pair(e, i);
    if (count <= SHORT_WORD)
        merge_by_scan(e);
    else
        TRY(merge_by_heap(e));
    for (int32_t at = 0; at >= 0; at = e->symbols[at].next)
        TRY(token_list_add(out, e->symbols[at].id));
done:
    return st;
}

status bpe_encoder_encode(bpe_encoder *e, const char *word, size_t n, token_list *out)
{
    int32_t whole = e->options->ignore_merges ? vocabulary_find(e->v, word, n) : -1;
    return whole >= 0 ? token_list_add(out, whole) : merge_word(e, word, n, out);
}
