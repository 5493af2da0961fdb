// SPDX-License-Identifier: Apache-2.0
// The NetCDF-4 file of an artefact, as the engine sees it: opened and listed. Its values are read
// through artefact.h, whose reading side is artefact_file.c too.
#ifndef PIPELINE_STORE_ARTEFACT_FILE_H
#define PIPELINE_STORE_ARTEFACT_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pipeline/base/status.h"
#include "pipeline/store/artefact.h"

// Opens a file after artefact_check_header. ERR_INPUT. Owned by the caller (artefact_close).
status artefact_open(const char *path, artefact **out);

// Is it a coordinate that no digest covers? It has this attribute, "no".
#define ARTEFACT_IN_DIGEST "in_digest"
bool artefact_is_coordinate(const artefact *a, size_t i);

// Calls visit with every global text attribute, until it fails. ERR_INPUT.
status artefact_each_attribute(const artefact *a,
                               status (*visit)(void *context, const char *name, const char *value),
                               void *context);

// The version of NetCDF, as it says itself. Borrowed.
const char *artefact_library(void);

// Every call into NetCDF is made between these two. Not to be held while a stage's code runs.
void artefact_lock(void);
void artefact_unlock(void);

#endif
