// SPDX-License-Identifier: Apache-2.0
// One JSON object (RFC 8259; NaN, Infinity and -Infinity are numbers) on a line, checked whole and
// looked into for a few fields, without building a tree: a corpus is indexed at the speed of
// reading it.
#ifndef DATA_BYTES_JSON_LINE_H
#define DATA_BYTES_JSON_LINE_H

#include <stdbool.h>
#include <stddef.h>

#include "pipeline/base/status.h"
#include "pipeline/base/text.h"

typedef enum json_kind { JSON_ABSENT, JSON_TEXT, JSON_SCALAR, JSON_TREE } json_kind;

// A field looked for, and what it holds.
typedef struct json_field {
    const char *path;  // dotted: "meta.pile_set_name"; a key that holds dots itself is found too
    json_kind kind;    // SCALAR: number, true, false, null, NaN; TREE: object or array
    const char *bytes; // of the line: a text's inside as escaped, or the scalar as spelled
    size_t n;
} json_field;

// Reads a line of n bytes, looking for up to eight fields. Of a key given twice the last counts.
// False when it is no JSON object in UTF-8; then *column (from 1, in bytes) and *problem (static)
// say why. Local.
bool json_line_read(const char *line, size_t n, json_field *fields, int n_fields, size_t *column,
                    const char **problem);

// Whether a line has nothing but spaces and tabs.
bool json_line_is_blank(const char *line, size_t n);

// Appends a text's inside with its escapes resolved; a surrogate without its other half becomes
// U+FFFD.
void json_line_unescape(const char *bytes, size_t n, text *out);

#endif
