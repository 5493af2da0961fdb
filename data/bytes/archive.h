// SPDX-License-Identifier: Apache-2.0
// Archives, which people give in place of what is in them.
#ifndef DATA_BYTES_ARCHIVE_H
#define DATA_BYTES_ARCHIVE_H

#include "pipeline/base/status.h"

// Where the path is a file that is a tar (packed or not) or a zip: ERR_INPUT with the command that
// unpacks it and what to give then; otherwise OK. Local.
status archive_refuse(const char *path);

#endif
