// SPDX-License-Identifier: Apache-2.0
// Writes the NetCDF-4 file that a description stands for. With artefact_file.c, the only code that
// includes netcdf.h.
#ifndef PIPELINE_STORE_ARTEFACT_CREATE_H
#define PIPELINE_STORE_ARTEFACT_CREATE_H

#include "pipeline/base/digest.h"
#include "pipeline/base/status.h"
#include "pipeline/store/artefact_writer.h"

// Creates `path`, which must not exist, and writes all that `w` describes; `hex` gets the digest of
// what was given to NetCDF. The caller removes the file on any error, syncs it and reads it back.
// Local. ERR_IO; or what a fill returned.
status artefact_create(const char *path, const artefact_writer *w, char hex[DIGEST_HEX]);

#endif
