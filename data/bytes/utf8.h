// SPDX-License-Identifier: Apache-2.0
// UTF-8, as far as tokenizers need it.
#ifndef DATA_BYTES_UTF8_H
#define DATA_BYTES_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pipeline/base/text.h"

// The code point of a well-formed character, and how many bytes it has.
int32_t utf8_decode(const char *s, size_t *length);

// Appends s with each maximal ill-formed part (Unicode standard, table 3-8) replaced by U+FFFD.
void utf8_repair(const char *s, size_t n, text *out);
// Where the first ill-formed part begins; n when there is none.
size_t utf8_first_bad(const char *s, size_t n);
// Is all of s well-formed?
bool utf8_valid(const char *s, size_t n);

// Unicode White_Space; general category N*.
bool utf8_is_space(int32_t code);
bool utf8_is_number(int32_t code);

#endif
