// SPDX-License-Identifier: Apache-2.0
// Files of data that are common and not read, but easily turned into some that are.
#ifndef DATA_BYTES_FOREIGN_FILES_H
#define DATA_BYTES_FOREIGN_FILES_H

#include "pipeline/base/status.h"

// For a path in which nothing was found that is read: ERR_INPUT with the line that turns its files
// into Parquet, where it is or holds Arrow files (as save_to_disk of `datasets` writes them) or
// WebDataset's tars; otherwise OK. Looks at few files. Local.
status foreign_files_refuse(const char *path);

#endif
