// SPDX-License-Identifier: Apache-2.0
// Byte-pair encoding of one word: start from its bytes (byte-level) or characters (with byte
// fallback), and merge the pair of lowest rank, leftmost first, until none is left (Sennrich et
// al., 2016). Here its rules; data/tokenizer/bpe_encoder.h applies them.
#ifndef DATA_TOKENIZER_BPE_H
#define DATA_TOKENIZER_BPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "data/tokenizer/vocabulary.h"
#include "pipeline/base/status.h"

typedef struct bpe_options {
    bool byte_level;    // symbols are bytes; vocabulary pieces are raw bytes
    bool byte_fallback; // a character without a piece becomes its bytes' <0xNN> pieces
    bool ignore_merges; // a word that is a piece is that piece, whatever the merges say
    bool fuse_unknown;  // neighbouring unknowns are one
    int32_t unknown;    // id for what has no piece; -1: it is left out
} bpe_options;

typedef struct bpe_merge {
    int32_t left, right, rank, result; // ids, and the rule's rank: lower first
} bpe_merge;

typedef struct bpe bpe;

// `name` names the file in messages; it is copied. The vocabulary is borrowed while the rules live.
status bpe_new(const char *name, const bpe_options *options, const vocabulary *v, bpe **out);
void bpe_free(bpe *b); // NULL is a no-op

// Sets options.unknown once the vocabulary is known.
void bpe_set_unknown(bpe *b, int32_t id);
// Adds a merge rule: left then right, of that rank (lower first). ERR_INPUT when one of them or
// their union is no piece.
status bpe_add_merge(bpe *b, const char *left, size_t left_n, const char *right, size_t right_n,
                     int32_t rank);
// Derives the rules of a SentencePiece model from its scores: any two pieces whose union is a piece
// may merge, the higher score of the union first. score[id] for each piece.
status bpe_merges_from_scores(bpe *b, const float *score, size_t n);

// True when no rule's result has `boundary` anywhere but at its very start or within a run of
// boundaries at its start: then a word may be cut before each first `boundary` without changing the
// result.
bool bpe_cuts_before(const bpe *b, const char *boundary, size_t n);

// What encoding needs. The rule for a pair of ids, or NULL; the options, `unknown` as set. Borrowed.
const bpe_merge *bpe_find_merge(const bpe *b, int32_t left, int32_t right);
const bpe_options *bpe_get_options(const bpe *b);
const vocabulary *bpe_vocabulary(const bpe *b);

#endif
