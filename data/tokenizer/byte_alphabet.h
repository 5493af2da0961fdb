// SPDX-License-Identifier: Apache-2.0
// GPT-2's alphabet of bytes, in which byte-level vocabularies spell their pieces: every byte is a
// printable character.
#ifndef DATA_TOKENIZER_BYTE_ALPHABET_H
#define DATA_TOKENIZER_BYTE_ALPHABET_H

#include <stddef.h>
#include <stdint.h>

// The bytes that a piece of n bytes (valid UTF-8) spells. Writes at most n bytes; returns how many,
// or -1 when a character is not of that alphabet. Local.
int64_t byte_alphabet_decode(const char *piece, size_t n, char *out);

#endif
