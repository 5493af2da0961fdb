// SPDX-License-Identifier: Apache-2.0
// Content digests of input files, each taken once and reused while path, size, inode, mtime and
// ctime (in nanoseconds) are the same (docs/design.md, Keys). A modification time alone is never
// trusted.
#ifndef PIPELINE_STORE_INPUTS_H
#define PIPELINE_STORE_INPUTS_H

#include <stdbool.h>
#include <stddef.h>

#include "pipeline/base/digest.h"
#include "pipeline/base/file.h"
#include "pipeline/base/status.h"
#include "pipeline/store/journal.h"

typedef struct inputs inputs;

// A cache that starts with what the journal knows. `known` is borrowed until inputs_free; NULL:
// nothing is known. Local.
status inputs_new(const journal_state *known, inputs **out);
void inputs_free(inputs *in); // NULL is a no-op
// From now on, taking a digest ends with ERR_INTERRUPTED once the flag, borrowed, is true.
void inputs_stop_by(inputs *in, const atomic_bool *stopping);

// The digest of the file's bytes: cached, or taken now. Local. ERR_INPUT when it is missing, is no
// regular file, or changes while it is read; ERR_IO when reading fails.
status inputs_digest(inputs *in, const char *path, char hex[DIGEST_HEX]);

// Takes the digest anew whatever is cached, for `fsck --inputs`. As inputs_digest.
status inputs_take(inputs *in, const char *path, char hex[DIGEST_HEX]);

// The files something is made of, as they were when their digests were taken: watched from before
// they are read until what was made of them is on the disk. A digest says what a file holds at one
// moment; a file that is overwritten and put back has the same one before and after.
typedef struct input_watch input_watch;

// Takes the list. Of a file whose digest `in` has not (NULL: of none), what it is now counts. Local.
// ERR_INPUT when one has changed since, or vanished.
status inputs_watch(const inputs *in, file_list *files, input_watch **out);
// ERR_INPUT: one is no longer what it was, by size, inode or either time.
status inputs_unchanged(const input_watch *w);
void inputs_unwatch(input_watch *w); // NULL is a no-op

// Appends to the journal what was taken since the last call. ERR_IO.
status inputs_record(inputs *in, journal *j);

#endif
