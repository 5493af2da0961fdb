// SPDX-License-Identifier: Apache-2.0
// Some hundred thousand pieces, looked up for every new word: the table is hashed with open
// addressing and at most half full.
#include "data/tokenizer/vocabulary.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "pipeline/base/checked.h"

enum { MAX_ID = 1 << 24 };

typedef struct piece {
    char *bytes; // owned; NULL where an id has no piece
    size_t n;
} piece;

struct vocabulary {
    char *name;
    bool byte_level;
    piece *pieces; // by id
    size_t pieces_capacity, n_pieces;
    int32_t size;
    int32_t *slots; // open addressing, ids by hash of the bytes
    size_t capacity;
    int32_t byte_id[256];
};

status vocabulary_new(const char *name, bool byte_level, vocabulary **out)
{
    vocabulary *v = checked_calloc(1, sizeof *v);
    if (!v || !(v->name = strdup(name))) {
        free(v);
        return status_no_memory("a vocabulary");
    }
    v->byte_level = byte_level;
    for (int i = 0; i < 256; i++)
        v->byte_id[i] = -1;
    *out = v;
    return OK;
}

void vocabulary_free(vocabulary *v)
{
    if (!v)
        return;
    for (int32_t id = 0; id < v->size; id++)
        free(v->pieces[id].bytes);
    free(v->pieces);
    free(v->slots);
    free(v->name);
    free(v);
}

// Doubles a table of ids hashed by piece when it is more than half full.
static bool grow_pieces(vocabulary *v)
{
    if (2 * (v->n_pieces + 1) <= v->capacity)
        return true;
    size_t capacity = v->capacity ? 2 * v->capacity : 1024;
    int32_t *slots = malloc(capacity * sizeof *slots);
    if (!slots)
        return false;
    for (size_t i = 0; i < capacity; i++)
        slots[i] = -1;
    for (size_t i = 0; i < v->capacity; i++) {
        if (v->slots[i] < 0)
            continue;
        const piece *p = &v->pieces[v->slots[i]];
        size_t at = XXH3_64bits(p->bytes, p->n) & (capacity - 1);
        while (slots[at] >= 0)
            at = (at + 1) & (capacity - 1);
        slots[at] = v->slots[i];
    }
    free(v->slots);
    v->slots = slots;
    v->capacity = capacity;
    return true;
}

// The slot that holds the piece, or the empty one where it belongs.
static size_t find_piece_slot(const vocabulary *v, const char *bytes, size_t n)
{
    size_t at = XXH3_64bits(bytes, n) & (v->capacity - 1);
    for (;; at = (at + 1) & (v->capacity - 1)) {
        int32_t id = v->slots[at];
        if (id < 0 || (v->pieces[id].n == n && memcmp(v->pieces[id].bytes, bytes, n) == 0))
            return at;
    }
}

// Remembers the piece of an id.
static status keep_piece(vocabulary *v, const char *bytes, size_t n, int32_t id)
{
    if (id < 0 || id >= MAX_ID)
        return status_fail(ERR_INPUT, v->name, "token %.*s has id %d; 0 to %d are supported",
                           (int)(n < 80 ? n : 80), bytes, id, MAX_ID - 1);
    size_t old = v->pieces_capacity;
    if (!checked_grow(&v->pieces, &v->pieces_capacity, (size_t)id + 1, sizeof *v->pieces))
        return status_no_memory("a vocabulary");
    memset(v->pieces + old, 0, (v->pieces_capacity - old) * sizeof *v->pieces);
    if (v->pieces[id].bytes)
        return status_fail(ERR_INPUT, v->name, "id %d belongs to two tokens", id);
    char *copy = malloc(n + 1);
    if (!copy)
        return status_no_memory("a vocabulary");
    memcpy(copy, bytes, n);
    copy[n] = 0;
    v->pieces[id].bytes = copy;
    v->pieces[id].n = n;
    if (id >= v->size)
        v->size = id + 1;
    return OK;
}

status vocabulary_add_unreachable(vocabulary *v, const char *bytes, size_t n, int32_t id)
{
    return keep_piece(v, bytes, n, id);
}

status vocabulary_add(vocabulary *v, const char *bytes, size_t n, int32_t id)
{
    status st;
    unsigned byte;
    char end;
    if (!grow_pieces(v))
        return status_no_memory("a vocabulary");
    size_t slot = find_piece_slot(v, bytes, n);
    if (v->slots[slot] >= 0)
        return status_fail(ERR_INPUT, v->name, "token %.*s stands twice, as %d and %d",
                           (int)(n < 80 ? n : 80), bytes, v->slots[slot], id);
    TRY(keep_piece(v, bytes, n, id));
    v->slots[slot] = id;
    v->n_pieces++;
    if (v->byte_level && n == 1)
        v->byte_id[(unsigned char)bytes[0]] = id;
    else if (!v->byte_level && n == 6 &&
             sscanf(v->pieces[id].bytes, "<0x%2X%c", &byte, &end) == 2 && end == '>')
        v->byte_id[byte & 255] = id;
done:
    return st;
}

int32_t vocabulary_size(const vocabulary *v)
{
    return v->size;
}

int32_t vocabulary_find(const vocabulary *v, const char *bytes, size_t n)
{
    return v->capacity ? v->slots[find_piece_slot(v, bytes, n)] : -1;
}

const char *vocabulary_piece(const vocabulary *v, int32_t id, size_t *n)
{
    if (id < 0 || id >= v->size)
        return NULL;
    *n = v->pieces[id].n;
    return v->pieces[id].bytes;
}

const int32_t *vocabulary_byte_ids(const vocabulary *v)
{
    return v->byte_id;
}
