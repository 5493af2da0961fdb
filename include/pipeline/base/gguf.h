// SPDX-License-Identifier: Apache-2.0
// The GGUF container (versions 2 and 3, little-endian), mapped read-only: metadata and the table of
// tensors. It knows the block sizes of the tensor types, not their contents. Both the runtime
// (weights, configuration) and the tokenizer read it.
//
//   "GGUF"  u32 version  u64 n_tensors  u64 n_kv
//   n_kv times:      text key, u32 value type, value      (text = u64 length, bytes)
//   n_tensors times: text name, u32 n_dims, u64 dims[n_dims], u32 type, u64 offset
//   padding to general.alignment (32), then the tensors' data
#ifndef PIPELINE_BASE_GGUF_H
#define PIPELINE_BASE_GGUF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pipeline/base/status.h"

typedef struct gguf gguf;

typedef struct gguf_text {
    const char *bytes; // borrowed from the mapping; not terminated
    size_t length;
} gguf_text;

typedef struct gguf_tensor {
    gguf_text name;
    uint32_t type;     // ggml's number; its name is gguf_type_name
    int dims;          // 1 to 4
    uint64_t shape[4]; // innermost first; 1 beyond dims
    uint64_t items;
    const unsigned char *data; // in the mapping
    size_t bytes;
} gguf_tensor;

// Opens and checks the whole table: every length, count, type, offset and product. ERR_INPUT names
// the file, the key or tensor, and what is wrong; nothing is allocated by a number the file cannot
// back. Local.
status gguf_open(const char *path, gguf **out);
void gguf_close(gguf *g);
// ERR_INPUT when the file is no longer the one that was opened: what is mapped may be changed, or
// gone and read as zeros (pipeline/base/map_guard.h). Whoever reads on after gguf_open asks this
// before it trusts what it read.
status gguf_unchanged(const gguf *g);
const char *gguf_path(const gguf *g);

// Metadata. Each get fails with ERR_INPUT, naming the key, when it is absent or of another kind.
// Integers of any width that fit; reals of both widths; texts are borrowed.
size_t gguf_keys(const gguf *g);
gguf_text gguf_key(const gguf *g, size_t i);
bool gguf_has(const gguf *g, const char *key);
status gguf_get_int(const gguf *g, const char *key, int64_t *out);
status gguf_get_real(const gguf *g, const char *key, double *out);
status gguf_get_bool(const gguf *g, const char *key, bool *out);
status gguf_get_text(const gguf *g, const char *key, gguf_text *out);
// Arrays: *out is one block of *n items, owned by the caller (free). Flags are integers too.
status gguf_get_texts(const gguf *g, const char *key, gguf_text **out, size_t *n);
status gguf_get_ints(const gguf *g, const char *key, int64_t **out, size_t *n);
status gguf_get_reals(const gguf *g, const char *key, float **out, size_t *n);
// One line of text for a value, for `inspect`: "32", "llama", "texts[4096]". Truncates to `size`.
void gguf_describe(const gguf *g, size_t i, char *line, size_t size);

size_t gguf_tensors(const gguf *g);
const gguf_tensor *gguf_tensor_at(const gguf *g, size_t i);
// NULL when there is none of that name.
const gguf_tensor *gguf_find(const gguf *g, const char *name);

// "Q4_K" for 12; NULL for a type this reader does not know. Items and bytes of one block.
const char *gguf_type_name(uint32_t type);
bool gguf_type_block(uint32_t type, size_t *items, size_t *bytes);

#endif
