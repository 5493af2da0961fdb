// SPDX-License-Identifier: Apache-2.0
// What the footer of a Parquet file says: columns, row groups, where each column of each lies, and
// notes that its writer left. Reading values is parquet_reader.h's.
#ifndef DATA_PARQUET_PARQUET_FILE_H
#define DATA_PARQUET_PARQUET_FILE_H

#include <stddef.h>
#include <stdint.h>

#include "data/parquet/schema.h"
#include "pipeline/base/status.h"

typedef struct parquet_file parquet_file;

// A column's part of a row group.
typedef struct parquet_chunk {
    int64_t offset, size; // bytes of the file, which has them all
    int64_t unpacked;     // size, as the writer says
    int64_t entries;      // values, nulls and empty lists among them
    uint8_t codec;        // as Parquet numbers them
    bool encrypted, elsewhere;
} parquet_chunk;

// Reads and checks the footer; keeps no file open. Local. ERR_INPUT: it is no Parquet file, is cut
// short or encrypted, or its parts do not fit each other.
status parquet_file_open(const char *path, parquet_file **out);
void parquet_file_close(parquet_file *f); // NULL is a no-op

const char *parquet_file_path(const parquet_file *f); // borrowed
const schema *parquet_file_schema(const parquet_file *f);
// The column of this dotted name; NULL when there is none. Borrowed.
const schema_column *parquet_file_find(const parquet_file *f, const char *name);
int64_t parquet_file_rows(const parquet_file *f);
size_t parquet_file_groups(const parquet_file *f);
// The first row of a group; of group `groups` the number of all rows.
int64_t parquet_file_first(const parquet_file *f, size_t group);
const parquet_chunk *parquet_file_chunk(const parquet_file *f, size_t group,
                                        const schema_column *column);
// The text of a key of the file's own metadata; NULL when it is not there. Borrowed.
const char *parquet_file_note(const parquet_file *f, const char *key);

#endif
