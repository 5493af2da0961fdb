// SPDX-License-Identifier: Apache-2.0
#include "data/tokenizer/bpe.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "data/tokenizer/bpe_table.h"
#include "pipeline/base/checked.h"

enum { MAX_ID = 1 << 24 };

status bpe_new(const char *name, const bpe_options *options, bpe **out)
{
    bpe *b = checked_calloc(1, sizeof *b);
    if (!b || !(b->name = strdup(name))) {
        free(b);
        return status_no_memory("a vocabulary");
    }
    b->options = *options;
    for (int i = 0; i < 256; i++)
        b->byte_id[i] = -1;
    *out = b;
    return OK;
}

void bpe_free(bpe *b)
{
    if (!b)
        return;
    for (int32_t id = 0; id < b->size; id++)
        free(b->pieces[id].bytes);
    free(b->pieces);
    free(b->piece_slots);
    free(b->merge_slots);
    free(b->name);
    free(b);
}

// Doubles a table of ids hashed by piece when it is more than half full.
static bool grow_pieces(bpe *b)
{
    if (2 * (b->n_pieces + 1) <= b->piece_capacity)
        return true;
    size_t capacity = b->piece_capacity ? 2 * b->piece_capacity : 1024;
    int32_t *slots = malloc(capacity * sizeof *slots);
    if (!slots)
        return false;
    for (size_t i = 0; i < capacity; i++)
        slots[i] = -1;
    for (int32_t id = 0; id < b->size; id++) {
        if (!b->pieces[id].bytes)
            continue;
        size_t at = XXH3_64bits(b->pieces[id].bytes, b->pieces[id].n) & (capacity - 1);
        while (slots[at] >= 0)
            at = (at + 1) & (capacity - 1);
        slots[at] = id;
    }
    free(b->piece_slots);
    b->piece_slots = slots;
    b->piece_capacity = capacity;
    return true;
}

// The slot that holds the piece, or the empty one where it belongs.
static size_t find_piece_slot(const bpe *b, const char *bytes, size_t n)
{
    size_t at = XXH3_64bits(bytes, n) & (b->piece_capacity - 1);
    for (;; at = (at + 1) & (b->piece_capacity - 1)) {
        int32_t id = b->piece_slots[at];
        if (id < 0 || (b->pieces[id].n == n && memcmp(b->pieces[id].bytes, bytes, n) == 0))
            return at;
    }
}

status bpe_add_piece(bpe *b, const char *bytes, size_t n, int32_t id)
{
    if (id < 0 || id >= MAX_ID)
        return status_fail(ERR_INPUT, b->name, "token %.*s has id %d; 0 to %d are supported",
                           (int)(n < 80 ? n : 80), bytes, id, MAX_ID - 1);
    size_t old = b->pieces_capacity;
    if (!checked_grow(&b->pieces, &b->pieces_capacity, (size_t)id + 1, sizeof *b->pieces))
        return status_no_memory("a vocabulary");
    memset(b->pieces + old, 0, (b->pieces_capacity - old) * sizeof *b->pieces);
    if (b->pieces[id].bytes)
        return status_fail(ERR_INPUT, b->name, "id %d belongs to two tokens", id);
    if (!grow_pieces(b))
        return status_no_memory("a vocabulary");
    size_t slot = find_piece_slot(b, bytes, n);
    if (b->piece_slots[slot] >= 0)
        return status_fail(ERR_INPUT, b->name, "token %.*s stands twice, as %d and %d",
                           (int)(n < 80 ? n : 80), bytes, b->piece_slots[slot], id);
    char *copy = malloc(n + 1);
    if (!copy)
        return status_no_memory("a vocabulary");
    memcpy(copy, bytes, n);
    copy[n] = 0;
    b->pieces[id] = (bpe_piece_text){copy, n};
    b->piece_slots[slot] = id;
    b->n_pieces++;
    if (id >= b->size)
        b->size = id + 1;
    unsigned byte;
    char end;
    if (b->options.byte_level && n == 1)
        b->byte_id[(unsigned char)bytes[0]] = id;
    else if (!b->options.byte_level && n == 6 && sscanf(copy, "<0x%2X%c", &byte, &end) == 2 &&
             end == '>')
        b->byte_id[byte & 255] = id;
    return OK;
}

void bpe_set_unknown(bpe *b, int32_t id)
{
    b->options.unknown = id;
}

int32_t bpe_size(const bpe *b)
{
    return b->size;
}

int32_t bpe_find(const bpe *b, const char *bytes, size_t n)
{
    return b->piece_capacity ? b->piece_slots[find_piece_slot(b, bytes, n)] : -1;
}

const char *bpe_piece(const bpe *b, int32_t id, size_t *n)
{
    if (id < 0 || id >= b->size)
        return NULL;
    *n = b->pieces[id].n;
    return b->pieces[id].bytes;
}

static size_t hash_pair(int32_t left, int32_t right)
{
    uint64_t pair = (uint64_t)(uint32_t)left << 32 | (uint32_t)right;
    pair *= 0x9E3779B97F4A7C15;
    return (size_t)(pair ^ pair >> 29);
}

static bool grow_merges(bpe *b)
{
    if (2 * (b->n_merges + 1) <= b->merge_capacity)
        return true;
    size_t capacity = b->merge_capacity ? 2 * b->merge_capacity : 1024;
    bpe_merge *slots = malloc(capacity * sizeof *slots);
    if (!slots)
        return false;
    for (size_t i = 0; i < capacity; i++)
        slots[i].left = -1;
    for (size_t i = 0; i < b->merge_capacity; i++) {
        if (b->merge_slots[i].left < 0)
            continue;
        size_t at = hash_pair(b->merge_slots[i].left, b->merge_slots[i].right) & (capacity - 1);
        while (slots[at].left >= 0)
            at = (at + 1) & (capacity - 1);
        slots[at] = b->merge_slots[i];
    }
    free(b->merge_slots);
    b->merge_slots = slots;
    b->merge_capacity = capacity;
    return true;
}

const bpe_merge *bpe_find_merge(const bpe *b, int32_t left, int32_t right)
{
    if (!b->merge_capacity)
        return NULL;
    size_t at = hash_pair(left, right) & (b->merge_capacity - 1);
    for (;; at = (at + 1) & (b->merge_capacity - 1)) {
        const bpe_merge *m = &b->merge_slots[at];
        if (m->left < 0)
            return NULL;
        if (m->left == left && m->right == right)
            return m;
    }
}

// Adds a rule of known ids; of two for the same pair the later counts, as in `tokenizers`.
static status add_merge(bpe *b, bpe_merge rule)
{
    if (!grow_merges(b))
        return status_no_memory("merge rules");
    size_t at = hash_pair(rule.left, rule.right) & (b->merge_capacity - 1);
    while (b->merge_slots[at].left >= 0 &&
           !(b->merge_slots[at].left == rule.left && b->merge_slots[at].right == rule.right))
        at = (at + 1) & (b->merge_capacity - 1);
    b->n_merges += b->merge_slots[at].left < 0;
    b->merge_slots[at] = rule;
    return OK;
}

status bpe_add_merge(bpe *b, const char *left, size_t left_n, const char *right, size_t right_n,
                     int32_t rank)
{
    char joined[1024];
    bpe_merge rule = {bpe_find(b, left, left_n), bpe_find(b, right, right_n), rank, -1};
    if (left_n + right_n <= sizeof joined) {
        memcpy(joined, left, left_n);
        memcpy(joined + left_n, right, right_n);
        rule.result = bpe_find(b, joined, left_n + right_n);
    }
    if (rule.left < 0 || rule.right < 0 || rule.result < 0)
        return status_fail(ERR_INPUT, b->name,
                           "merge %d joins tokens that are not in the vocabulary", rank);
    return add_merge(b, rule);
}

typedef struct scored_piece {
    float score;
    int32_t id;
} scored_piece;

static int higher_score_first(const void *a, const void *b)
{
    const scored_piece *x = a, *y = b;
    if (x->score != y->score)
        return x->score > y->score ? -1 : 1;
    return (x->id > y->id) - (x->id < y->id);
}

status bpe_merges_from_scores(bpe *b, const float *score, size_t n)
{
    status st = OK;
    size_t count = 0;
    scored_piece *order = checked_calloc(n, sizeof *order);
    if (!order)
        return status_no_memory("merge rules");
    for (int32_t id = 0; id < b->size && (size_t)id < n; id++)
        if (b->pieces[id].bytes && b->pieces[id].n > 1)
            order[count++] = (scored_piece){score[id], id};
    qsort(order, count, sizeof *order, higher_score_first);
    int32_t rank = 0;
    for (size_t i = 0; i < count && st == OK; i++) {
        const bpe_piece_text *p = &b->pieces[order[i].id];
        if (i > 0 && order[i].score != order[i - 1].score)
            rank++; // equal scores: the leftmost pair first
        for (size_t cut = 1; cut < p->n && st == OK; cut++) {
            int32_t left = bpe_find(b, p->bytes, cut);
            int32_t right = left < 0 ? -1 : bpe_find(b, p->bytes + cut, p->n - cut);
            if (right >= 0)
                st = add_merge(b, (bpe_merge){left, right, rank, order[i].id});
        }
    }
    free(order);
    return st;
}

bool bpe_cuts_before(const bpe *b, const char *boundary, size_t n)
{
    for (size_t i = 0; i < b->merge_capacity; i++) {
        if (b->merge_slots[i].left < 0)
            continue;
        const bpe_piece_text *p = &b->pieces[b->merge_slots[i].result];
        size_t run = 0;
        while (run + n <= p->n && memcmp(p->bytes + run, boundary, n) == 0)
            run += n;
        if (memmem(p->bytes + run, p->n - run, boundary, n))
            return false;
    }
    return true;
}
