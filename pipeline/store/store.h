// SPDX-License-Identifier: Apache-2.0
// The store: artefacts under OUTPUT/STEP/, each absent or complete. Wraps the NetCDF of
// artefact_file.h with the order of events that makes a kill or a full disk harmless: temporary
// name, close, fsync, read back and digest, rename, fsync of the folder; only then does the caller
// append the line to the journal that makes the artefact exist.
//
// An artefact's digest covers names, types, shapes and values of its variables, in the order of
// names. What depends on time, host, ranks, threads or output path is an attribute and not in it.
// The digest of the file's bytes is recorded beside it, so that nothing unverified reaches the
// parsers of NetCDF and HDF5.
#ifndef PIPELINE_STORE_STORE_H
#define PIPELINE_STORE_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pipeline/base/digest.h"
#include "pipeline/base/status.h"
#include "pipeline/store/artefact.h"
#include "pipeline/store/journal.h"
#include "pipeline/store/provenance.h"

// What the journal is told about a committed artefact.
typedef struct stored {
    char digest[DIGEST_HEX], file_digest[DIGEST_HEX];
    int64_t bytes, mtime_ns; // of the file
} stored;

// Adds where it comes from to the attributes of `w` (those a stage has set stay), writes what it
// describes to OUTPUT/`path` and fills *out. `allowed` is asked just before the rename: what is not
// OK stops the commit (a newer run holds the folder). Local: called on one rank, the task's owner.
// Fill callbacks are called here, for blocks of rows of bounded memory. ERR_IO when disk or folder
// refuse, or when what is read back is not what was written: then nothing is left behind, and an
// artefact of before is untouched (unless the folder's sync failed behind the rename: what has no
// line in the journal does not count). Whatever a fill callback or `allowed` returns is handed on.
status store_commit(const char *output, const char *path, artefact_writer *w,
                    const provenance *origin, status (*allowed)(void *context), void *context,
                    stored *out);

// The same for what says already where it comes from: a result that is written again under another
// name. `epoch`: of this run.
status store_again(const char *output, const char *path, const artefact_writer *w, int64_t epoch,
                   status (*allowed)(void *context), void *context, stored *out);

// Opens a committed artefact. With `verify`, the whole file is read against its digest first: one
// rank of a run does so, the others open after its vote; without it, only the size is compared.
// Local. ERR_INPUT when the file is missing or is not what was committed. Owned by the caller
// (artefact_close).
status store_open(const char *output, const journal_commit *c, bool verify, artefact **out);

// Is the committed file still in place? For `plan`, and for skipping finished tasks: one stat,
// where size and mtime are those committed; with another mtime (a copied run, or a commit that was
// killed before its line) the bytes decide. Local.
bool store_present(const char *output, const journal_commit *c);

// For fsck: bytes, then names and variables, against both digests. ERR_INPUT, saying what differs.
// Local.
status store_verify(const char *output, const journal_commit *c);

// Removes the temporary files that killed runs of an epoch before `epoch` left in OUTPUT's folders;
// *removed counts them. For the start of a run, once the folder is known to be its own, and for
// fsck. Local. ERR_IO.
status store_clean(const char *output, int64_t epoch, int64_t *removed);

#endif
