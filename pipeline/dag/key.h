// SPDX-License-Identifier: Apache-2.0
// The key of a task (docs/design.md, Keys): a digest of everything that decides its result. An
// artefact made under the same key needs no second run. The fields are kept one by one, so that
// `explain` can name the one that changed.
//
// Fields, in this order: `stage`, `version`; `compute` and whatever else is keyed at pipeline
// level; the stage's keyed parameters, in the table's order, numbers normalised (0.50 is 0.5); for
// each resource the stage takes, its keyed parameters
// (`model.weights`) and the digests of its files (`model:config.json`, by the name inside the
// resource's own path; `model:` where the path is a file; `model.files` together where there are
// more than KEY_FILES); `input 1`… the digests of the upstream artefacts in the order of `from`.
// Neither paths nor the names of steps and resources are in it.
#ifndef PIPELINE_DAG_KEY_H
#define PIPELINE_DAG_KEY_H

#include <stdbool.h>
#include <stddef.h>

#include "pipeline/base/digest.h"
#include "pipeline/base/key_field.h"
#include "pipeline/base/status.h"
#include "pipeline/stage.h"

enum { KEY_FILES = 64 };

// How keys get at the bytes of input files: STORE's cache behind it takes a digest once per
// unchanged file.
typedef struct key_digester {
    void *context;
    // The content digest of a file. ERR_INPUT when it is missing or a folder.
    status (*file)(void *context, const char *path, char hex[DIGEST_HEX]);
} key_digester;

// Fills t->fields and t->key. Where an upstream task has no digest yet (t->inputs[i]->digest is
// ""), the value of its field is "" and the key stays "": it is pending, which is not an error;
// call again when more is known. Local. ERR_INPUT for a missing file.
status key_compute(task *t, const key_digester *d);

// A field that differs between two lists; its value is NULL in the list that has no such field.
typedef struct key_difference {
    const char *name, *old_value, *new_value;
} key_difference;

// The differing fields, old ones in their order and then those that only the new list has: up to
// `capacity` of them into out. Returns how many there are. All borrowed.
size_t key_compare(const key_fields *old_fields, const key_fields *new_fields, key_difference *out,
                   size_t capacity);

#endif
