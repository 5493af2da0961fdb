// SPDX-License-Identifier: Apache-2.0
// Artefacts: the NetCDF file a task produces. A stage describes variables to a writer; the engine
// stores them so that the file is absent or complete. Readers check the digest the journal recorded
// before they trust a file.
#ifndef PIPELINE_STORE_ARTEFACT_H
#define PIPELINE_STORE_ARTEFACT_H

#include <stdbool.h>
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

size_t variable_item_bytes(variable_type type); // VARIABLE_TEXT: sizeof(char *)

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

typedef struct artefact_writer artefact_writer;

// Declares a dimension; the same name again with the same length is fine.
status artefact_dim(artefact_writer *w, const char *name, int64_t length);
// Declares a variable. Names, dims and texts are copied; data, fill and context are borrowed until
// the store returns.
status artefact_variable(artefact_writer *w, const variable *v);
// A global attribute that says what the file is or how it was made (title, summary, notes for
// readers). Copied. Not part of the digest.
status artefact_attribute(artefact_writer *w, const char *name, const char *value);

// A committed artefact, open for reading. Local; threads take turns.
typedef struct artefact artefact;

void artefact_close(artefact *a);
const char *artefact_path(const artefact *a);
bool artefact_has(const artefact *a, const char *name); // is there such a variable?
// Length of a dimension, or -1 where there is none of that name.
int64_t artefact_length(const artefact *a, const char *dim);
// A variable's type and shape. ERR_INPUT when it is missing.
status artefact_shape(const artefact *a, const char *name, variable_type *type, int *dims,
                      int64_t lengths[VARIABLE_MAX_DIMS]);
// Reads a whole variable, converted to `type`, into out; or rows [first, first + rows) over all
// dimensions but the last, as in variable_fill. ERR_INPUT when it is missing or does not convert.
status artefact_read(const artefact *a, const char *name, variable_type type, void *out);
status artefact_read_rows(const artefact *a, const char *name, variable_type type, int64_t first,
                          int64_t rows, void *out);
// The strings of a text variable: *out is an array of *n strings, in one block owned by the caller
// (one free).
status artefact_read_texts(const artefact *a, const char *name, int64_t *n, char ***out);
// A text attribute, or NULL. Owned by the caller.
char *artefact_get_attribute(const artefact *a, const char *name);

#endif
