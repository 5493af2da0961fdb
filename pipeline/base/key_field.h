// SPDX-License-Identifier: Apache-2.0
// Named texts in order: the fields of a task's key (pipeline/dag/key.h), as they are compared,
// written into artefacts and kept in the journal.
#ifndef PIPELINE_BASE_KEY_FIELD_H
#define PIPELINE_BASE_KEY_FIELD_H

#include <stddef.h>

typedef struct key_field {
    const char *name, *value; // borrowed from whoever made the list
} key_field;

typedef struct key_fields {
    key_field *field; // in an arena
    size_t n, capacity;
} key_fields;

#endif
