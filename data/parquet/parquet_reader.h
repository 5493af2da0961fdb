// SPDX-License-Identifier: Apache-2.0
// Reads one column of a Parquet file, row by row; in memory is the page that is read, and its
// column's dictionary. Columns side by side are readers side by side.
#ifndef DATA_PARQUET_PARQUET_READER_H
#define DATA_PARQUET_PARQUET_READER_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "data/parquet/parquet_file.h"
#include "data/parquet/parquet_value.h"
#include "pipeline/base/status.h"

// One thread's at a time.
typedef struct parquet_reader parquet_reader;

// A row of a column of lists. A list that is null has no values, as an empty one.
typedef struct parquet_list {
    const parquet_value *at; // borrowed until the next call
    size_t n;
} parquet_list;

// Stands before row 0. Borrows `f` and its column; `stopping` as byte_stream_stop_by. Local.
// ERR_INPUT, naming the column: its type or nesting is not supported.
status parquet_reader_open(const parquet_file *f, const schema_column *column,
                           const atomic_bool *stopping, parquet_reader **out);
void parquet_reader_close(parquet_reader *r); // NULL is a no-op

// The next row of the file, of a column that is no list or that is one; there must be one more.
// What a value borrows is valid until the next call. ERR_INPUT names file, column, row group and
// page of what is broken; ERR_IO when reading fails.
status parquet_reader_next(parquet_reader *r, parquet_value *out);
status parquet_reader_next_list(parquet_reader *r, parquet_list *out);

// Stands before a row of the file, [0, rows), of a column that is no list: at little cost where the
// row is in the page at hand, otherwise by reading the heads of the pages before it.
status parquet_reader_seek(parquet_reader *r, int64_t row);
// The memory that the largest page of a row group takes, by the heads of all its pages. Where the
// reader stands is then undefined.
status parquet_reader_page_bytes(parquet_reader *r, size_t group, size_t *bytes);

#endif
