// SPDX-License-Identifier: Apache-2.0
// What the two files of byte-pair encoding share: bpe.c holds the vocabulary and rules,
// bpe_encoder.c applies them.
#ifndef DATA_TOKENIZER_BPE_TABLE_H
#define DATA_TOKENIZER_BPE_TABLE_H

#include "data/tokenizer/bpe.h"

typedef struct bpe_piece_text {
    char *bytes; // owned; NULL where an id has no piece
    size_t n;
} bpe_piece_text;

typedef struct bpe_merge {
    int32_t left, right, rank, result; // left < 0: an empty slot
} bpe_merge;

struct bpe {
    char *name;
    bpe_options options;
    bpe_piece_text *pieces; // by id
    size_t pieces_capacity, n_pieces;
    int32_t size;
    int32_t *piece_slots; // open addressing, ids by hash of the bytes
    size_t piece_capacity;
    bpe_merge *merge_slots; // open addressing by pair
    size_t merge_capacity, n_merges;
    int32_t byte_id[256]; // of a byte's own piece, or of <0xNN>
};

// The rule for a pair of ids, or NULL. Borrowed.
const bpe_merge *bpe_find_merge(const bpe *b, int32_t left, int32_t right);

#endif
