// SPDX-License-Identifier: Apache-2.0
// The samples of a text dataset as token ids, for one tokenizer and context: what formats fill
// (through data/text_maker.h) and samples read.
#ifndef DATA_TOKENS_TOKEN_SET_H
#define DATA_TOKENS_TOKEN_SET_H

#include <stddef.h>
#include <stdint.h>

#include "data/tokenizer/tokenizer.h"
#include "pipeline/base/share.h"
#include "pipeline/base/status.h"

// Ids one after the other, in two bytes each where the vocabulary allows, else in four. The first
// TOKEN_STORE_BYTES stay in memory; with the one beyond, all move to an unlinked file in TMPDIR.
typedef struct token_store token_store;

#define TOKEN_STORE_BYTES ((size_t)64 << 20)

// `in_memory` is TOKEN_STORE_BYTES but in tests.
status token_store_new(int64_t vocabulary, size_t in_memory, token_store **out);
void token_store_free(token_store *s); // NULL is a no-op
// Appends n ids of [0, vocabulary). ERR_IO when the disk is full, naming the folder.
status token_store_add(token_store *s, const int32_t *id, size_t n);
// Reads n ids from position `first` on, which have been added. Thread-safe once nothing is added.
status token_store_read(const token_store *s, int64_t first, size_t n, int32_t *id);
int64_t token_store_count(const token_store *s);

// How a store lies: what another process of the node needs to read it.
typedef struct token_store_parts {
    size_t width, n;  // bytes an id; bytes of the ids that are not in the file
    uint64_t written; // bytes in the file
    int file;         // -1: none
    int process;      // that has it open
} token_store_parts;

token_store_parts token_store_look(const token_store *s);
// Copies the ids that are not in the file: parts.n bytes.
void token_store_copy(const token_store *s, unsigned char *bytes);
// From now on reads the store that lies so, of this process or another one, with `bytes` (borrowed)
// beside the file; nothing is added any more. ERR_IO when the other's file cannot be opened.
status token_store_borrow(token_store *s, const token_store_parts *parts, unsigned char *bytes);

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
    int64_t shortened; // prompts that lost something
    share *share;      // borrowed; NULL: this process alone has the set
    void *block;       // of the share: samples and ids
} token_set;

// An empty set. Local.
status token_set_new(size_t groups, int64_t vocabulary, token_set **out);
// NULL is a no-op. Collective on the share that the set lies in.
void token_set_free(token_set *s);
// Adds a sample to a group; ids as token_store_add.
status token_set_add(token_set *s, size_t group, const int32_t *id, size_t n, int32_t target);
// Lets all ranks of the share read the set that its first rank made (`made`: how that went): the
// others give an empty one of as many groups. Once in memory, whatever the number of ranks.
// Collective; all return the same status, and free their sets.
status token_set_share(share *s, status made, token_set *set);

#endif
