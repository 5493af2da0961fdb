// SPDX-License-Identifier: Apache-2.0
// Variables of an artefact as rows of a table: pure numbers and texts whose shapes are few.
#ifndef STAGES_INTERSECT_DESCRIBED_H
#define STAGES_INTERSECT_DESCRIBED_H

#include <stddef.h>

#include "pipeline/store/artefact.h"

typedef struct shape {
    int dims;
    const char *dim[4];
} shape;

typedef struct described {
    const char *name;
    variable_type type;
    const shape *of;
    const void *data; // borrowed until the artefact is stored
    const char *long_name;
} described;

// Describes n of them. Local. Fails as artefact_variable.
status described_write(artefact_writer *w, const described *list, size_t n);

#endif
