// SPDX-License-Identifier: Apache-2.0
// Content digests: XXH3, 128 bits, written as 32 hexadecimal digits. Against accidents, not against
// an attacker.
#ifndef PIPELINE_BASE_DIGEST_H
#define PIPELINE_BASE_DIGEST_H

#include <stdatomic.h>
#include <stddef.h>

#include "pipeline/base/status.h"

#define DIGEST_HEX 33 // 32 digits and the terminator

typedef struct digest digest;

status digest_new(digest **out);
void digest_add(digest *d, const void *bytes, size_t n);
// Adds a string with its length, so that ("ab", "c") and ("a", "bc") differ.
void digest_add_text(digest *d, const char *string);
void digest_hex(const digest *d, char hex[DIGEST_HEX]);
void digest_free(digest *d);

// The digest of a file's bytes, read in blocks of bounded size. ERR_INPUT when it is missing or is
// a folder, ERR_IO when reading fails.
status digest_file(const char *path, char hex[DIGEST_HEX]);
// The same; ERR_INTERRUPTED once the flag is true (NULL: never).
status digest_file_until(const char *path, const atomic_bool *stopping, char hex[DIGEST_HEX]);

#endif
