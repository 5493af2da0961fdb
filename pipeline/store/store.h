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

// An empty description for the stage's `finish` to fill. Owned by the caller.
status artefact_writer_new(artefact_writer **out);
void artefact_writer_free(artefact_writer *w); // NULL is a no-op

// Where an artefact comes from: all of it becomes global attributes. Borrowed.
typedef struct store_origin {
    int64_t epoch;                        // of the run; part of the temporary name
    const char *pipeline, *pipeline_path; // name and file
    const char *pipeline_text;            // the file as given
    const char *label, *stage, *key;      // of the task
    const key_field *fields; // of the key, which hold the parameters and the digests of all inputs
    size_t n_fields;
    const char *command; // the command line, for `history`
    int ranks, threads;
    const char *cpus;       // the types of the nodes' CPUs (machines.h); NULL: not known
    const key_field *notes; // more attributes: library versions, the kernels chosen
    size_t n_notes;
    status (*allowed)(
        void *context); // asked just before the rename: not OK stops the commit (a newer run
    void *context;      // holds the folder). Optional
} store_origin;

// What the journal is told about a committed artefact.
typedef struct stored {
    char digest[DIGEST_HEX], file_digest[DIGEST_HEX];
    int64_t bytes, mtime_ns; // of the file
} stored;

// Adds the origin to the attributes of `w` (those a stage has set stay), writes what it describes
// to OUTPUT/`path` and fills *out. Local: called on one rank, the task's owner. Fill callbacks are
// called here, for blocks of rows of bounded memory. ERR_IO when disk or folder refuse, or when
// what is read back is not what was written: then nothing is left behind, and an artefact of before
// is untouched (unless the folder's sync failed behind the rename: what has no line in the journal
// does not count). Whatever a fill callback or `allowed` returns is handed on.
status store_commit(const char *output, const char *path, artefact_writer *w,
                    const store_origin *origin, stored *out);

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
