// SPDX-License-Identifier: Apache-2.0
// The bytes of a data file: mapped where it is plain, unpacked into memory where it is gzipped
// (told by its first two bytes, not by its name).
#ifndef DATA_BYTES_UNPACKED_H
#define DATA_BYTES_UNPACKED_H

#include <stddef.h>

#include "pipeline/base/file.h"
#include "pipeline/base/status.h"

// {0} is the empty one.
typedef struct unpacked {
    const unsigned char *bytes; // borrowed from one of the two below
    size_t size;
    mapping mapped;
    unsigned char *memory; // owned
    bool padded;           // zeros behind its gzip were passed over
} unpacked;

// Opens a file. Local. ERR_INPUT when it is missing, cut short, followed by something else, or when
// it unpacks to more than 64 MiB and to more than a hundred times its size: images do not compress
// so well, so it is an accident or an attack, and it must not take the memory.
status unpacked_open(const char *path, unpacked *out);
void unpacked_close(unpacked *u); // closes and empties; safe on {0}

#endif
