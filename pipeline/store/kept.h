// SPDX-License-Identifier: Apache-2.0
// Results of before: artefacts by their keys, whatever the task is called now, and those that
// another value's took the place of, in OUTPUT/.kept/KEY.nc (a name that no step has).
#ifndef PIPELINE_STORE_KEPT_H
#define PIPELINE_STORE_KEPT_H

#include <stdbool.h>

#include "pipeline/base/digest.h"
#include "pipeline/base/file.h"
#include "pipeline/base/status.h"
#include "pipeline/store/journal.h"

#define KEPT_FOLDER ".kept"

typedef struct kept_result {
    journal_commit commit;                             // texts borrowed from the journal,
    char path[sizeof KEPT_FOLDER "/.nc" + DIGEST_HEX]; // but its path, where it is this one
} kept_result;

// Where a commit's file is when it is kept. `out` must not be moved afterwards.
void kept_place(const journal_commit *c, kept_result *out);

// Finds a result that was committed under the key, and is kept or lies where it was, but not in the
// place of the task `label`, where whoever asks has looked: the latest. `out` must not be moved
// afterwards. Local.
bool kept_find(const char *output, const journal_state *known, const char *key, const char *label,
               kept_result *out);

// Removes a result that was found among those that are kept, once it is in its task's place. Local.
void kept_forget(const char *output, const kept_result *k);

// Moves a committed artefact out of the way of one with another key. Nothing where it is gone, or
// is not what was committed. ERR_IO. Local.
status kept_put(const char *output, const journal_commit *c);

// The files that are kept, sorted, by their paths below the folder.
status kept_list(const char *output, file_list *out);

#endif
