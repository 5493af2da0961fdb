// SPDX-License-Identifier: Apache-2.0
// Comma-separated values, RFC 4180: fields may stand in quotes, with "" for a quote and line ends
// inside; lines end in "\n" or "\r\n".
#ifndef DATA_BYTES_CSV_H
#define DATA_BYTES_CSV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pipeline/base/status.h"

typedef struct csv_field {
    const char *bytes; // in the table's own memory; not terminated
    size_t n;
} csv_field;

// A file of `rows` rows, each of as many fields. {0} is the empty table.
typedef struct csv_table {
    char *bytes;      // owned: the file, fields unquoted in place
    csv_field *field; // owned [rows × fields]
    int64_t *line;    // owned [rows]: where each begins, from 1
    size_t rows, fields;
    bool padded; // zeros behind its gzip were passed over
} csv_table;

// Reads a file (.gz and .zst told by its first bytes; at most 64 MiB unpacked) whose rows must all
// have `fields` fields. Empty lines are passed over, and a byte order mark. ERR_INPUT with
// FILE:LINE when a row has more or fewer, a quote is not closed or followed by something else, or a
// byte is no UTF-8 text; *out is empty then. Local.
status csv_read(const char *path, size_t fields, csv_table *out);
void csv_free(csv_table *t); // frees and empties; safe on {0}

#endif
