// SPDX-License-Identifier: Apache-2.0
// A safetensors file is written: for what other programs are to read.
#ifndef MODEL_FILES_SAFETENSORS_WRITE_H
#define MODEL_FILES_SAFETENSORS_WRITE_H

#include <stddef.h>

#include "pipeline/base/status.h"

// A matrix. Borrowed.
typedef struct safetensors_matrix {
    const char *name;
    size_t rows, columns;
    const double *values;
} safetensors_matrix;

// Writes matrices as F64, their data in the order given, absent or complete. ERR_IO. Local.
status safetensors_write(const char *path, const safetensors_matrix *matrices, size_t n);

#endif
