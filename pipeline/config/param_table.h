// SPDX-License-Identifier: Apache-2.0
// What stands behind the values of params.h, and how a table of definitions is searched.
#ifndef PIPELINE_CONFIG_PARAM_TABLE_H
#define PIPELINE_CONFIG_PARAM_TABLE_H

#include <stdbool.h>
#include <stddef.h>

#include "pipeline/config/param_def.h"
#include "pipeline/config/param_value.h"

struct params {
    const param_def *defs; // borrowed: static tables
    size_t n;              // of defs
    param_value *value;    // [n]
    location at;           // of the step, the entry, the file
    const char *what;      // "step `unlearn`", for messages
};

size_t param_table_size(const param_def *defs);
// The index of a name in a table; false when there is none.
bool param_table_find(const param_def *defs, const char *name, size_t *i);

#endif
