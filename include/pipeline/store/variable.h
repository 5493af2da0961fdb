// SPDX-License-Identifier: Apache-2.0
// A variable of an artefact, as a stage describes it.
#ifndef PIPELINE_STORE_VARIABLE_H
#define PIPELINE_STORE_VARIABLE_H

#include <stddef.h>
#include <stdint.h>

#include "pipeline/base/status.h"

typedef enum variable_type {
    VARIABLE_F64,
    VARIABLE_F32,
    VARIABLE_I64,
    VARIABLE_I32,
    VARIABLE_I8,   // NC_BYTE: masks and flags
    VARIABLE_U8,   // NC_UBYTE: packed bits
    VARIABLE_TEXT, // NC_STRING
} variable_type;

enum { VARIABLE_MAX_DIMS = 5 };

size_t variable_item_bytes(variable_type type);     // VARIABLE_TEXT: sizeof(char *)
const char *variable_type_name(variable_type type); // as CDL: "double", "string"

// Fills rows [first, first + rows) of a variable into `out` (items of its type, row-major). A row
// is one index of all dimensions but the last, flattened. Called after `finish` returned, while the
// stage's state lives, rows ascending.
typedef status variable_fill(void *context, int64_t first, int64_t rows, void *out);

typedef struct variable {
    const char *name;
    variable_type type;
    int dims;
    const char *dim[VARIABLE_MAX_DIMS]; // names given to artefact_dim
    const char *long_name, *units;      // required, CF: "1" for a pure number
    const void
        *data; // all values (char *const * for text), or NULL with `fill`. Borrowed until stored
    variable_fill *fill;
    void *context; // of fill
} variable;

#endif
