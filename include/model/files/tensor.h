// SPDX-License-Identifier: Apache-2.0
// One tensor of a weight file, where it is mapped.
#ifndef MODEL_FILES_TENSOR_H
#define MODEL_FILES_TENSOR_H

#include <stddef.h>

#include "model/files/dtype.h"

enum { TENSOR_MAX_DIMS = 8 };

typedef struct tensor {
    const char *name; // all pointers are borrowed from the file
    const char *file;
    const dtype *type;
    int dims; // 0: a single number
    size_t shape[TENSOR_MAX_DIMS];
    size_t elements, n_bytes;   // of all of it
    const unsigned char *bytes; // at any alignment
    const unsigned char *base;  // where a safetensors file is mapped that they are in
} tensor;

#endif
