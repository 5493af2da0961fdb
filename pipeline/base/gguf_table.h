// SPDX-License-Identifier: Apache-2.0
// What the files of the GGUF reader share: gguf_open.c reads and checks the header into this table,
// gguf_table.c finds keys and tensors in it, gguf_values.c hands metadata out.
#ifndef PIPELINE_BASE_GGUF_TABLE_H
#define PIPELINE_BASE_GGUF_TABLE_H

#include "pipeline/base/file.h"
#include "pipeline/base/gguf.h"

enum value_type { U8, I8, U16, I16, U32, I32, F32, BOOL, TEXT, ARRAY, U64, I64, F64, VALUE_TYPES };

extern const uint8_t gguf_table_value_bytes[VALUE_TYPES]; // 0 where the size is not fixed

typedef struct entry {
    gguf_text key;
    enum value_type type, item; // item: of an array
    const unsigned char *at;    // the value, or the array's first item
    uint64_t n;                 // items of an array; 1 otherwise
} entry;

struct gguf {
    mapping file;
    file_stamp seen;
    char *path;
    uint32_t version;
    entry *entries;
    gguf_tensor *tensors;
    size_t n_entries, n_tensors;
    uint32_t *by_key, *by_name; // sorted indices
};

// The entry of a key, or NULL. Borrowed.
const entry *gguf_table_entry(const gguf *g, const char *key);

// Sort the indices of the keys, or of the tensors' names, that have been read. ERR_INPUT when one
// stands twice.
status gguf_table_index_keys(gguf *g);
status gguf_table_index_tensors(gguf *g);

#endif
