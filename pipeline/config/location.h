// SPDX-License-Identifier: Apache-2.0
// Places in a pipeline file, and its characters.
#ifndef PIPELINE_CONFIG_LOCATION_H
#define PIPELINE_CONFIG_LOCATION_H

#include <stddef.h>

#include "pipeline/base/status.h"

// Where something was written: FILE:LINE:COLUMN (from 1; a column is a character), or an override,
// whose line is 0 and whose origin is "-s key.path=value".
typedef struct location {
    const char *origin; // borrowed from the tree
    int line, column;
} location;

// Records an error at a place. Returns code.
status location_fail(status code, location at, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

// Records this thread's line anew, behind the place, unless it begins with one of the same origin or an
// override's. Returns code.
status location_place(status code, location at);

// Checks that n bytes are UTF-8 without control characters but tab and line ends. ERR_USAGE with
// the place of the first that is not; `at` is the place of the first byte.
status location_check_text(location at, const char *bytes, size_t n);
// The text at a line and column counted from 0; "" beyond its end. Borrowed.
const char *location_find(const char *bytes, size_t n, size_t line, size_t column);

#endif
