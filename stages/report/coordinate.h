// SPDX-License-Identifier: Apache-2.0
// What stands along a dimension of an artefact: the names or numbers of the variable that is called
// as it is, or its index where there is none.
#ifndef STAGES_REPORT_COORDINATE_H
#define STAGES_REPORT_COORDINATE_H

#include "pipeline/store/artefact.h"

typedef struct coordinate {
    char **name;   // [n] owned, each
    double *value; // [n] owned; the indices where names are no numbers
    int64_t n;
} coordinate;

// Local. ERR_INPUT. coordinate_free is safe after a failure too, and on {0}.
status coordinate_read(const artefact *a, const char *dim, coordinate *out);
void coordinate_free(coordinate *c);

// The place of a variable among the artefact's, or -1.
int64_t coordinate_find(const artefact *a, const char *name);

#endif
