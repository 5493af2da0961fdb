// SPDX-License-Identifier: Apache-2.0
// The members of one flat JSON object, parsed in place: a journal's lines by the ten thousand,
// where jansson's one allocation a member took most of a second. Objects and arrays inside are
// found and left as text.
#ifndef PIPELINE_STORE_FLAT_JSON_H
#define PIPELINE_STORE_FLAT_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pipeline/base/key_field.h"
#include "pipeline/base/status.h"

typedef struct flat_member {
    const char *name; // borrowed from the bytes, as all below
    const char *text; // of a string; NULL otherwise
    char *nested;     // of an object or array: its first byte; NULL otherwise
    size_t nested_size;
    int64_t integer; // of a number, cut to an integer
    double real;     // of a number
} flat_member;

// Parses an object of n bytes into at most `capacity` members;
// strings are unescaped and terminated where they stand, so that the bytes are no JSON afterwards.
// *count is how many. False, with the bytes half changed, where it is no object or has more
// members. Local, allocates nothing.
bool flat_json_parse(char *bytes, size_t n, flat_member *members, size_t capacity, size_t *count);

// The member of that name, or NULL. Borrowed.
const flat_member *flat_json_find(const flat_member *members, size_t n, const char *name);

// The members of an object of texts, in a block of the caller's; none where it is no such object.
// The bytes are parsed in place. ERR_INTERNAL when out of memory.
status flat_json_fields(char *bytes, size_t n, key_field **out, size_t *count);

#endif
