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
#include "pipeline/store/variable.h"

typedef struct artefact_writer artefact_writer;

// Declares a dimension; the same name again with the same length is fine.
status artefact_dim(artefact_writer *w, const char *name, int64_t length);
// Declares a variable. Names, dims and texts are copied; data, fill and context are borrowed until
// the store returns.
status artefact_variable(artefact_writer *w, const variable *v);
// The same for what says where numbers stand or what a task was called, and is no result: it is not
// in the digest, and a coordinate to whoever reads the file (docs/artefacts.md, Digests).
status artefact_coordinate(artefact_writer *w, const variable *v);
// The same, with values that the writer takes over: allocated by malloc, freed by it (also where this
// fails); texts in the block of their pointers.
status artefact_take_coordinate(artefact_writer *w, const variable *v, void *data);
// The length of a dimension declared so far, or -1.
int64_t artefact_writer_length(const artefact_writer *w, const char *dim);
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
// The value of a field of the key that its task had, or NULL: the key has none of that name. Owned
// by the caller.
char *artefact_get_field(const artefact *a, const char *name);

// What is inside: its variables, in the order of the file. Names and texts are borrowed from the
// artefact or owned by the caller as said.
size_t artefact_variables(const artefact *a);
const char *artefact_variable_name(const artefact *a, size_t i); // borrowed
// The name of dimension `i` of a variable; borrowed.
const char *artefact_variable_dim(const artefact *a, size_t index, int i);
// A text attribute of a variable, or NULL; owned by the caller.
char *artefact_variable_text(const artefact *a, size_t index, const char *attribute);

#endif
