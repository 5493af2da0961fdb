// SPDX-License-Identifier: Apache-2.0
// The NetCDF-4 file of an artefact, as the engine sees it: created from a description, opened,
// listed, digested. The only code that includes netcdf.h is behind this header (artefact.c reads,
// artefact_create.c writes).
//
// NetCDF is not thread-safe: every call into it is made under one lock of the process.
#ifndef PIPELINE_STORE_ARTEFACT_FILE_H
#define PIPELINE_STORE_ARTEFACT_FILE_H

#include <stddef.h>
#include <stdint.h>

#include "pipeline/base/digest.h"
#include "pipeline/base/status.h"
#include "pipeline/store/artefact.h"
#include "pipeline/store/artefact_writer.h"

// Creates `path`, which must not exist, and writes all that `w` describes; `hex` gets the digest of
// what was given to NetCDF. The caller removes the file on any error, syncs it and reads it back.
// Local. ERR_IO; or what a fill returned.
status artefact_create(const char *path, const artefact_writer *w, char hex[DIGEST_HEX]);

// Is the file's beginning that of a whole NetCDF-4 file of its size? Looks at the first bytes only,
// with no library, so that truncated and foreign files never reach one. ERR_INPUT, saying what is
// wrong.
status artefact_check_header(const char *path);

// Opens a file after artefact_check_header. ERR_INPUT. Owned by the caller (artefact_close).
status artefact_open(const char *path, artefact **out);

// The digest of names, types, shapes and values, in the order of names, by reading every value.
// ERR_INPUT.
status artefact_digest(const artefact *a, char hex[DIGEST_HEX]);

// How a digest is made, for both sides: one variable's part begins with its name, type and shape,
// then come its values in row-major order, each text with its length; the parts are joined in the
// order of names.
typedef struct digest_part {
    const char *name; // borrowed
    char hex[DIGEST_HEX];
} digest_part;
status digest_part_begin(const char *name, variable_type type, int dims, const int64_t *lengths,
                         digest **out);
void digest_part_add(digest *d, variable_type type, const void *values, int64_t n);
status digest_parts_join(digest_part *parts, size_t n, char hex[DIGEST_HEX]); // sorts the parts

// What is inside, for `inspect`. Names and texts are borrowed from the artefact or owned by the
// caller as said.
size_t artefact_dims(const artefact *a);
const char *artefact_dim_name(const artefact *a, size_t i, int64_t *length); // borrowed
size_t artefact_variables(const artefact *a);
const char *artefact_variable_name(const artefact *a, size_t i); // borrowed
// The name of dimension `i` of a variable; borrowed.
const char *artefact_variable_dim(const artefact *a, size_t index, int i);
// A text attribute of a variable, or NULL; owned by the caller.
char *artefact_variable_text(const artefact *a, size_t index, const char *attribute);
const char *variable_type_name(variable_type type); // as CDL: "double", "string"

// The version of NetCDF, as it says itself. Borrowed.
const char *artefact_library(void);

// Every call into NetCDF is made between these two. Not to be held while a stage's code runs.
void artefact_lock(void);
void artefact_unlock(void);

#endif
