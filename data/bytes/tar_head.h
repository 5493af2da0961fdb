// SPDX-License-Identifier: Apache-2.0
// The first bytes of a file, by which a tar is known.
#ifndef DATA_BYTES_TAR_HEAD_H
#define DATA_BYTES_TAR_HEAD_H

#include <stdbool.h>
#include <stddef.h>

enum { TAR_HEAD = 512, TAR_NAME = 100 }; // bytes of the head, and of the name that begins it

// The first bytes, with zeros behind them; without `plain` unpacked where that can be done here.
// Returns how many there are, 0 where they cannot be read. Local.
size_t tar_head_read(const char *path, bool plain, char head[TAR_HEAD]);
bool tar_head_is_tar(const char head[TAR_HEAD], size_t n);

#endif
