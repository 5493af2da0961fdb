// SPDX-License-Identifier: Apache-2.0
// As many rules as pieces, looked up for every pair of a new word: the table is hashed with open
// addressing and at most half full. A rule names the id of its result, so merging never looks at
// bytes.
#include "data/tokenizer/bpe.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/base/checked.h"

struct bpe {
    char *name;
    bpe_options options;
    const vocabulary *v;    // borrowed
    bpe_merge *merge_slots; // open addressing by pair; left < 0: empty
    size_t merge_capacity, n_merges;
};

status bpe_new(const char *name, const bpe_options *options, const vocabulary *v, bpe **out)
{
    bpe *b = checked_calloc(1, sizeof *b);
    if (!b || !(b->name = strdup(name))) {
        free(b);
        return status_no_memory("merge rules");
    }
    b->options = *options;
    b->v = v;
    *out = b;
    return OK;
}

void bpe_free(bpe *b)
{
    if (!b)
        return;
    free(b->merge_slots);
    free(b->name);
    free(b);
}

void bpe_set_unknown(bpe *b, int32_t id)
{
    b->options.unknown = id;
}

const vocabulary *bpe_vocabulary(const bpe *b)
{
    return b->v;
}

const bpe_options *bpe_get_options(const bpe *b)
{
    return &b->options;
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
    bpe_merge rule = {vocabulary_find(b->v, left, left_n), vocabulary_find(b->v, right, right_n),
                      rank, -1};
    if (left_n + right_n <= sizeof joined) {
        memcpy(joined, left, left_n);
        memcpy(joined + left_n, right, right_n);
        rule.result = vocabulary_find(b->v, joined, left_n + right_n);
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
    size_t count = 0, length;
    scored_piece *order = checked_calloc(n, sizeof *order);
    if (!order)
        return status_no_memory("merge rules");
    for (int32_t id = 0; (size_t)id < n && id < vocabulary_size(b->v); id++)
        if (vocabulary_piece(b->v, id, &length) && length > 1)
            order[count++] = (scored_piece){score[id], id};
    qsort(order, count, sizeof *order, higher_score_first);
    int32_t rank = 0;
    for (size_t i = 0; i < count && st == OK; i++) {
        const char *bytes = vocabulary_piece(b->v, order[i].id, &length);
        if (i > 0 && order[i].score != order[i - 1].score)
            rank++; // equal scores: the leftmost pair first
        for (size_t cut = 1; cut < length && st == OK; cut++) {
            int32_t left = vocabulary_find(b->v, bytes, cut);
            int32_t right = left < 0 ? -1 : vocabulary_find(b->v, bytes + cut, length - cut);
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
        size_t run = 0, length;
        if (b->merge_slots[i].left < 0)
            continue;
        const char *bytes = vocabulary_piece(b->v, b->merge_slots[i].result, &length);
        while (run + n <= length && memcmp(bytes + run, boundary, n) == 0)
            run += n;
        if (memmem(bytes + run, length - run, boundary, n))
            return false;
    }
    return true;
}
