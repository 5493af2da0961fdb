// SPDX-License-Identifier: Apache-2.0
// Token ids one after the other, in two bytes each where the vocabulary allows, else in four. The
// first TOKEN_STORE_BYTES stay in memory; with the one beyond, all move to an unlinked file in
// TMPDIR.
#ifndef DATA_TOKENS_TOKEN_STORE_H
#define DATA_TOKENS_TOKEN_STORE_H

#include <stddef.h>
#include <stdint.h>

#include "pipeline/base/status.h"

// Ids are added by one thread and then read by any.
typedef struct token_store token_store;

#define TOKEN_STORE_BYTES ((size_t)64 << 20)

// A store for ids of [0, vocabulary). `in_memory` is TOKEN_STORE_BYTES but in tests. Local.
status token_store_new(int64_t vocabulary, size_t in_memory, token_store **out);
void token_store_free(token_store *s); // NULL is a no-op
// Appends n ids of [0, vocabulary). ERR_IO when the disk is full, naming the folder.
status token_store_add(token_store *s, const int32_t *id, size_t n);
// Reads n ids from position `first` on, which have been added. Thread-safe once nothing is added.
// ERR_IO when the file cannot be read.
status token_store_read(const token_store *s, int64_t first, size_t n, int32_t *id);
int64_t token_store_count(const token_store *s);

// How a store lies: what another process of the node needs to read it.
typedef struct token_store_layout {
    size_t width, n;  // bytes an id; bytes of the ids that are not in the file
    uint64_t written; // bytes in the file
    int file;         // -1: none
    int process;      // that has it open
} token_store_layout;

token_store_layout token_store_get_layout(const token_store *s);
// Copies the ids that are not in the file: layout.n bytes.
void token_store_copy(const token_store *s, unsigned char *bytes);
// From now on reads the store that lies so, of this process or another one, with `bytes` (borrowed)
// beside the file; nothing is added any more. ERR_IO when the other's file cannot be opened.
status token_store_borrow(token_store *s, const token_store_layout *layout, unsigned char *bytes);

#endif
