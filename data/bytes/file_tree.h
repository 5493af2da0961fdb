// SPDX-License-Identifier: Apache-2.0
// The files under a folder.
#ifndef DATA_BYTES_FILE_TREE_H
#define DATA_BYTES_FILE_TREE_H

#include <fts.h>
#include <stdbool.h>
#include <stdint.h>

#include "data/bytes/name_list.h"
#include "pipeline/base/status.h"

// Appends the paths of the files that `wanted` (of their path below `folder`) accepts, sorted by
// name, folder by folder; `folder` itself where it is a file. Names that begin with a dot and what
// systems leave are passed over, with all below them. *ignored (may be NULL) counts the other files
// and links to nothing. Links are followed. Local. ERR_INPUT names what cannot be read, or a link
// that leads back.
status file_tree(const char *folder, bool (*wanted)(const char *below, const void *context),
                 const void *context, name_list *out, int64_t *ignored);

// What is wrong with an entry of a walk by fts: ERR_INPUT as above; OK where nothing is. Local.
status file_tree_check(const FTSENT *e);
// Whether a folder met on a walk is no part of the data, by its name: hidden, or what systems leave
// ("__MACOSX" of an archive, "lost+found" of a disk, and the like).
bool file_tree_is_clutter(const FTSENT *e);

// Whether a name ends in one of the NULL-ended `endings`, and behind it in nothing, .gz or .zst.
bool file_tree_ending(const char *name, const char *const *endings);

#endif
