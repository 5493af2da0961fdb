// SPDX-License-Identifier: Apache-2.0
// A hash table from strings to numbers (indices into the caller's array). {0} is the empty table.
#ifndef PIPELINE_BASE_NAMES_H
#define PIPELINE_BASE_NAMES_H

#include <stdbool.h>
#include <stddef.h>

typedef struct names {
    struct names_slot *slots; // owned
    size_t used, slots_n;     // slots_n is 0 or a power of two
} names;

// Gives `name` (borrowed while the table lives) the value; the last value given counts. False when
// out of memory.
bool names_put(names *n, const char *name, size_t value);
// True and *value, when the name is there.
bool names_get(const names *n, const char *name, size_t *value);
void names_free(names *n);

#endif
