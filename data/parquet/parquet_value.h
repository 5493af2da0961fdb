// SPDX-License-Identifier: Apache-2.0
// One value of a column.
#ifndef DATA_PARQUET_PARQUET_VALUE_H
#define DATA_PARQUET_PARQUET_VALUE_H

#include <stdint.h>

typedef enum parquet_kind {
    PARQUET_NULL,
    PARQUET_BYTES,
    PARQUET_INTEGER,
    PARQUET_REAL,
    PARQUET_TRUTH, // an integer, 0 or 1
} parquet_kind;

typedef struct parquet_value {
    parquet_kind kind;
    uint32_t n; // bytes
    union {
        const char *bytes; // borrowed; not terminated
        int64_t integer;
        double real;
    };
} parquet_value;

#endif
