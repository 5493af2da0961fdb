// SPDX-License-Identifier: Apache-2.0
// The values of a page, by its encoding, one by one.
#ifndef DATA_PARQUET_VALUES_H
#define DATA_PARQUET_VALUES_H

#include <stddef.h>
#include <stdint.h>

#include "data/parquet/parquet_value.h"
#include "data/parquet/runs.h"
#include "data/parquet/schema.h"
#include "pipeline/base/text.h"

// The values that a column's pages name by number. {0} is the empty one.
typedef struct dictionary {
    parquet_value *at; // owned; their bytes are borrowed from the page
    size_t n;
} dictionary;

typedef struct values {
    const schema_column *column;
    int encoding;
    const dictionary *words; // borrowed
    const uint8_t *at, *end;
    uint64_t bit; // of plain booleans
    runs indices;
    deltas lengths, prefixes; // lengths: or the integers themselves
    text last;                // owned: of values that share a prefix with the one before
} values;

// Whether values of this type are supported; NULL, or how messages call what is not.
const char *values_refuse(const schema_column *c);
// Begins reading n bytes; `v` is {0} or was opened before. NULL, or what is wrong with the page
// (static). Local.
const char *values_open(values *v, const schema_column *c, int encoding, const dictionary *words,
                        const uint8_t *bytes, size_t n);
// The next value, its bytes borrowed from the page or until the next call. NULL, or what is wrong.
const char *values_next(values *v, parquet_value *out);
void values_free(values *v); // safe on {0}

// Reads a dictionary's page of plain values. NULL, or what is wrong.
const char *dictionary_read(dictionary *d, const schema_column *c, int64_t entries,
                            const uint8_t *bytes, size_t n);
void dictionary_free(dictionary *d); // frees and empties; safe on {0}

#endif
