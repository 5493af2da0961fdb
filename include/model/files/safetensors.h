// SPDX-License-Identifier: Apache-2.0
// One safetensors file, mapped and checked.
//
//   bytes 0..8   N, the length of the header, little-endian
//   N bytes      a JSON object, whose members are
//                  "name": {"dtype": "F32", "shape": [2, 3], "data_offsets": [begin, end]}
//                  "__metadata__": {"key": "text"}   (perhaps)
//   the rest     the data; offsets count from its beginning; tensors fill it without holes or overlaps
//
// Format: https://github.com/huggingface/safetensors
#ifndef MODEL_FILES_SAFETENSORS_H
#define MODEL_FILES_SAFETENSORS_H

#include <stddef.h>

#include "model/files/tensor.h"
#include "pipeline/base/status.h"

// What a header may hold at most; the format's own limit.
#define SAFETENSORS_MAX_HEADER 100000000

typedef struct safetensors safetensors;

// Maps a file and checks all of its header: memory and time grow with the number of tensors, never
// with a number that the file claims. Local. ERR_INPUT names the file, and the tensor where there
// is one. *out is owned by the caller.
status safetensors_open(const char *path, safetensors **out);
void safetensors_close(safetensors *s);

size_t safetensors_count(const safetensors *s);
// The i-th by name, ascending. Borrowed.
const tensor *safetensors_at(const safetensors *s, size_t i);
// ERR_INPUT when the file is no longer the one that was opened.
status safetensors_unchanged(const safetensors *s);

#endif
