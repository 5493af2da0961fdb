// SPDX-License-Identifier: Apache-2.0
// Number types of weight files, as const descriptors: their size, and how they become float32. A
// new one (a quantised block) is one line of the table in dtype.c.
#ifndef MODEL_FILES_DTYPE_H
#define MODEL_FILES_DTYPE_H

#include <stdbool.h>
#include <stddef.h>

typedef struct dtype {
    const char *name; // as safetensors writes it: "F32"
    size_t block;     // elements of a block; 1 but for quantised types
    size_t bytes;     // of a block
    bool native;      // float32 in memory order: usable where it is mapped
    void (*to_float)(const void *from, size_t n, float *to); // n whole blocks; NULL: never a weight
    void (*from_float)(const float *from, size_t n, void *to); // the nearest; NULL: not written
} dtype;

// The type of that name, or NULL. Static.
const dtype *dtype_find(const char *name);

#endif
