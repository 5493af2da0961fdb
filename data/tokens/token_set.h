// SPDX-License-Identifier: Apache-2.0
// The samples of a text dataset as token ids, for one tokenizer and context: what formats fill
// (through data/tokens/text_maker.h) and samples read.
#ifndef DATA_TOKENS_TOKEN_SET_H
#define DATA_TOKENS_TOKEN_SET_H

#include <stddef.h>
#include <stdint.h>

#include "data/tokenizer/tokenizer.h"
#include "data/tokens/token_store.h"
#include "pipeline/base/share.h"
#include "pipeline/base/status.h"
#include "pipeline/base/text.h"

typedef struct token_sample {
    int64_t first;  // position in the store
    int32_t rows;   // tokens
    int32_t target; // of the last position, of a question; -1: every position's is the next token
} token_sample;

// A group's samples in file order.
typedef struct token_group {
    token_sample *at; // owned, or in the set's block
    size_t n, capacity;
    int64_t rows; // of all of them
} token_group;

typedef struct token_set {
    tokenizer *tokenizer; // owned; NULL where the dataset is tokenised already
    token_store *store;   // owned
    token_group *group;   // owned [groups], as the catalogue numbers them
    size_t groups;
    int32_t candidate[4]; // of questions: the letters' tokens
    int candidates;
    text notes;        // what a user should know of how it was read: lines
    int64_t shortened; // prompts that lost something
    share *share;      // borrowed; NULL: this process alone has the set
    void *block;       // of the share: samples and ids
} token_set;

// An empty set for ids of [0, vocabulary). Local.
status token_set_new(size_t groups, int64_t vocabulary, token_set **out);
// NULL is a no-op. Collective on the share that the set lies in.
void token_set_free(token_set *s);
// Adds a sample to a group. Fails as token_store_add.
status token_set_add(token_set *s, size_t group, const int32_t *id, size_t n, int32_t target);
// Lets all ranks of the share read the set that its first rank made (`made`: how that went): the
// others give an empty one of as many groups. Once in memory, whatever the number of ranks.
// Collective; all return the same status, and free their sets.
status token_set_share(share *s, status made, token_set *set);

#endif
