// SPDX-License-Identifier: Apache-2.0
// How the pipeline file and the command line name tasks: "step" or "step[axis=value,axis=value]".
#ifndef PIPELINE_CONFIG_REFERENCE_H
#define PIPELINE_CONFIG_REFERENCE_H

#include <stdbool.h>
#include <stddef.h>

#include "pipeline/base/arena.h"
#include "pipeline/base/status.h"
#include "pipeline/config/location.h"

typedef struct reference {
    const char *step;
    size_t n; // selected axes
    const char **axis,
        **value; // values as typed; %2C and the like stand for what a label cannot hold
} reference;

// Takes text apart; memory owns the parts. ERR_USAGE with the place.
status reference_parse(arena *memory, const char *typed, location at, reference *out);

// Is this a name for a step or a resource: letters, digits, `_`, `-`, `.`, not first a `.` or `-`,
// at most 100 bytes? (Both become names of files.)
bool reference_is_name(const char *name);

// The text with everything percent-encoded that is unfit for a file name, or that would end a value
// in a label. Owned by memory; NULL when out of it.
char *reference_encode(arena *memory, const char *value);

#endif
