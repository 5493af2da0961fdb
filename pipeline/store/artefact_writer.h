// SPDX-License-Identifier: Apache-2.0
// The engine's side of an artefact_writer: what a stage declared, in the order it did. Plain data;
// it knows no file format.
#ifndef PIPELINE_STORE_ARTEFACT_WRITER_H
#define PIPELINE_STORE_ARTEFACT_WRITER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pipeline/base/status.h"
#include "pipeline/store/artefact.h"

typedef struct written_dim {
    char *name; // owned
    int64_t length;
} written_dim;

typedef struct written_variable {
    char *name, *long_name, *units; // owned
    variable_type type;
    int dims;
    size_t dim[VARIABLE_MAX_DIMS]; // indices of the writer's dims
    int64_t lengths[VARIABLE_MAX_DIMS];
    const void *data; // borrowed, as in `variable`
    variable_fill *fill;
    void *context;
    bool coordinate;
    void *owned; // data of the engine's own coordinates; NULL: they are borrowed
} written_variable;

typedef struct written_attribute {
    char *name, *value; // owned
} written_attribute;

struct artefact_writer {
    written_dim *dims;
    written_variable *variables;
    written_attribute *attributes;
    size_t n_dims, n_variables, n_attributes;
    size_t dims_capacity, variables_capacity, attributes_capacity;
};

// An empty description for the stage's `finish` to fill. Owned by the caller.
status artefact_writer_new(artefact_writer **out);
void artefact_writer_free(artefact_writer *w); // NULL is a no-op

// The value of an attribute declared so far, or NULL. Borrowed.
const char *artefact_writer_attribute(const artefact_writer *w, const char *name);

// Is there a dimension, or a variable, of that name?
bool artefact_writer_has(const artefact_writer *w, const char *name);

// Gives every dimension that no variable is called after its indices as a coordinate: layer, unit.
// What a coordinate would be taken for by its name must all be declared before.
status artefact_writer_add_indices(artefact_writer *w);

// Bytes of all values together (text counts as its pointers): a lower bound of the file's size.
// Local.
size_t artefact_writer_bytes(const artefact_writer *w);

#endif
