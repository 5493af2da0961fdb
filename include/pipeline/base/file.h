// SPDX-License-Identifier: Apache-2.0
// Files as inputs (whole or mapped) and as outputs that are absent or complete.
#ifndef PIPELINE_BASE_FILE_H
#define PIPELINE_BASE_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pipeline/base/status.h"

// Reads a whole file of at most `limit` bytes and terminates it with a NUL beyond `*size`. *bytes
// is owned by the caller (free). ERR_INPUT when it is missing, a folder or larger than the limit.
status file_read(const char *path, size_t limit, char **bytes, size_t *size);

// A file mapped read-only.
typedef struct mapping {
    const unsigned char *bytes;
    size_t size;
} mapping;

// Maps a regular file; an empty one gives size 0 and a valid pointer. ERR_INPUT as above. Where the
// file is cut later there are zeros (map_guard.h). Released by file_unmap.
status file_map(const char *path, mapping *out);
void file_unmap(mapping *m);

// Gives back the memory of whole pages inside `n` mapped bytes; they are read again where they are
// touched again. For files larger than what is kept of them.
void file_drop_pages(const void *from, size_t n);

// What tells whether a file is still the one that was looked at.
typedef struct file_stamp {
    uint64_t size, inode, device;
    int64_t seconds, nanoseconds; // of its last change
} file_stamp;

// ERR_INPUT: it vanished; or, of the second, it is no longer the one of the stamp.
status file_stamp_take(const char *path, file_stamp *out);
status file_stamp_check(const char *path, const file_stamp *stamp);

bool file_exists(const char *path);
bool file_is_folder(const char *path);

// How many files are at a path or below it, and their bytes.
typedef struct file_amount {
    int64_t files, bytes;
} file_amount;

file_amount file_measure(const char *path);
// Removes a folder and all below it; of links these alone. False: not all of it; errno says why.
bool file_remove_folder(const char *path);

// Creates a folder and its parents where they are missing. ERR_IO.
status file_make_folders(const char *path);

// Writes bytes to `path` so that it is absent, old, or complete: a temporary file beside it, fsync,
// close, rename, fsync of the folder. ERR_IO, and then nothing is left behind.
status file_write_atomic(const char *path, const void *bytes, size_t n);

// The same for bytes that lie in several places. `allowed` is asked just before the rename: what is
// not OK is handed on, and the old file stays. NULL: always.
typedef struct file_piece {
    const void *bytes; // borrowed
    size_t n;
} file_piece;

status file_write_pieces(const char *path, const file_piece *pieces, size_t n,
                         status (*allowed)(void *context), void *context);

// fsync of an open file's path and of a folder (after a rename). ERR_IO.
status file_sync(const char *path);
status file_sync_folder(const char *path);

// "folder/name" (or "name" alone where it is absolute, or folder is "" or "."); NULL when out of
// memory. Owned by the caller.
char *file_join(const char *folder, const char *name);

// The folder part of a path ("." where there is none); NULL when out of memory. Owned by the
// caller.
char *file_folder(const char *path);

// A list of paths.
typedef struct file_list {
    char **path; // owned strings
    size_t n, capacity;
} file_list;

status file_list_add(file_list *l, const char *path); // copies
void file_list_sort(file_list *l);
void file_list_free(file_list *l);

// What the first bytes of a file say that should hold something else: "is a Git LFS pointer ...",
// with what to do; NULL: nothing known. Static.
const char *file_stands_for(const void *bytes, size_t n);

#endif
