// SPDX-License-Identifier: Apache-2.0
// Looks at the first bytes of a file before NetCDF does.
#ifndef PIPELINE_STORE_ARTEFACT_HEADER_H
#define PIPELINE_STORE_ARTEFACT_HEADER_H

#include "pipeline/base/status.h"

// Is the file's beginning that of a whole NetCDF-4 file of its size? Looks at the first bytes only,
// with no library, so that truncated and foreign files never reach one. ERR_INPUT, saying what is
// wrong.
status artefact_check_header(const char *path);

#endif
