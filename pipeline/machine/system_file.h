// SPDX-License-Identifier: Apache-2.0
// Small files in which the system tells about itself, below /proc and /sys.
#ifndef PIPELINE_MACHINE_SYSTEM_FILE_H
#define PIPELINE_MACHINE_SYSTEM_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

// Opens ROOT/PATH for reading, where the environment variable SULCUS_ROOT gives a root, for tests;
// else PATH. NULL when it cannot be opened. The caller's (fclose).
FILE *system_file_open(const char *path);
// Its first line, without the newline; false when it cannot be read.
bool system_file_line(const char *path, char *line, size_t n);

#endif
