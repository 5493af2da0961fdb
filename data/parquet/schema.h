// SPDX-License-Identifier: Apache-2.0
// The columns of a Parquet file: the leaves of its schema, each with the levels that say where its
// values are null or repeated.
#ifndef DATA_PARQUET_SCHEMA_H
#define DATA_PARQUET_SCHEMA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "data/parquet/thrift.h"
#include "pipeline/base/status.h"

// As Parquet numbers them.
typedef enum schema_type {
    SCHEMA_BOOLEAN,
    SCHEMA_INT32,
    SCHEMA_INT64,
    SCHEMA_INT96,
    SCHEMA_FLOAT,
    SCHEMA_DOUBLE,
    SCHEMA_BYTES,
    SCHEMA_FIXED,
    SCHEMA_TYPES,
} schema_type;

typedef struct schema_column {
    char *
        name; // owned: dotted path; what lists are wrapped in is left out: "choices", "image.bytes"
    schema_type type;
    bool is_unsigned;
    uint8_t definition; // a value is there at this level; below it something around it is null
    uint8_t repetition; // how many lists lie around it
    uint8_t element;    // in a list: from this definition level on there is an element
} schema_column;

// {0} is the empty one.
typedef struct schema {
    schema_column *at; // owned
    size_t n, capacity;
} schema;

// Reads the footer's list of schema elements. What is wrong with it breaks `t`. ERR_INPUT, naming
// `path`: more columns, longer names or deeper nesting than are supported. Local.
status schema_read(thrift *t, const thrift_field *f, const char *path, schema *out);
void schema_free(schema *s); // frees and empties; safe on {0}

#endif
