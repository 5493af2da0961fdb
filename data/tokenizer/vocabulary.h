// SPDX-License-Identifier: Apache-2.0
// The pieces that a tokenizer knows, each with its id.
#ifndef DATA_TOKENIZER_VOCABULARY_H
#define DATA_TOKENIZER_VOCABULARY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pipeline/base/status.h"

typedef struct vocabulary vocabulary;

// `name` names the file in messages; it is copied. `byte_level`: pieces are raw bytes.
status vocabulary_new(const char *name, bool byte_level, vocabulary **out);
void vocabulary_free(vocabulary *v); // NULL is a no-op

// Adds a piece with its id. ERR_INPUT when the id is that of another piece, the piece has another
// id, or the id is out of [0, 2^24).
status vocabulary_add(vocabulary *v, const char *bytes, size_t n, int32_t id);
// Likewise one that no text leads to: it is the id's piece, but not found.
status vocabulary_add_unreachable(vocabulary *v, const char *bytes, size_t n, int32_t id);

int32_t vocabulary_size(const vocabulary *v);                              // largest id + 1
int32_t vocabulary_find(const vocabulary *v, const char *bytes, size_t n); // -1 where none is
// The bytes of a piece; NULL for an id without one. Borrowed.
const char *vocabulary_piece(const vocabulary *v, int32_t id, size_t *n);
// Of each byte the id of its own piece (byte-level) or of <0xNN>, -1 where there is none [256].
// Borrowed.
const int32_t *vocabulary_byte_ids(const vocabulary *v);

#endif
