// SPDX-License-Identifier: Apache-2.0
// Content digests of input files, each taken once and reused while path, size, inode, mtime and
// ctime (in nanoseconds) are the same (docs/design.md, Keys). A modification time alone is never
// trusted.
#ifndef PIPELINE_STORE_INPUTS_H
#define PIPELINE_STORE_INPUTS_H

#include <stdbool.h>
#include <stddef.h>

#include "pipeline/base/digest.h"
#include "pipeline/base/status.h"
#include "pipeline/store/journal.h"

typedef struct inputs inputs;

// A cache that starts with what the journal knows. `known` is borrowed until inputs_free; NULL:
// nothing is known. Local.
status inputs_new(const journal_state *known, inputs **out);
void inputs_free(inputs *in); // NULL is a no-op

// The digest of the file's bytes: cached, or taken now. Local. ERR_INPUT when it is missing, is no
// regular file, or changes while it is read; ERR_IO when reading fails.
status inputs_digest(inputs *in, const char *path, char hex[DIGEST_HEX]);

// Takes the digest anew whatever is cached, for `fsck --inputs`. As inputs_digest.
status inputs_take(inputs *in, const char *path, char hex[DIGEST_HEX]);

// Appends to the journal what was taken since the last call. ERR_IO.
status inputs_record(inputs *in, journal *j);

#endif
