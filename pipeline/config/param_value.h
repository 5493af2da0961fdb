// SPDX-License-Identifier: Apache-2.0
// One value of a parameter: text checked against its definition, and the same text made canonical
// for keys and for matching (0.50 is 0.5) while labels keep what was typed.
#ifndef PIPELINE_CONFIG_PARAM_VALUE_H
#define PIPELINE_CONFIG_PARAM_VALUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pipeline/base/arena.h"
#include "pipeline/base/status.h"
#include "pipeline/config/param_def.h"
#include "pipeline/config/yaml_tree.h"

typedef struct param_item {
    int64_t whole; // PARAM_INT(S); a PARAM_BOOL as 0 or 1
    double real;   // PARAM_REAL(S), PARAM_DURATION in seconds, PARAM_SIZE
    const char
        *text; // texts, paths (absolute), names of resources; the word of a PARAM_REAL, else NULL
} param_item;

typedef struct param_value {
    bool present; // has a value
    bool given;   // by the file or an override, not by a default
    location at;
    const char *typed;     // of one value: as written
    const char *canonical; // of the whole value
    size_t n;              // items: 1 unless the type is a list
    const param_item *item;
} param_value;

// Where values are read: memory owns what they point to; relative paths start at `folder`, those of
// overrides at `here`.
typedef struct param_context {
    arena *memory;
    const char *folder, *here;
} param_context;

bool param_is_list(param_type type); // a list by nature
// "a whole number", for messages and descriptions. Static.
const char *param_type_name(param_type type);

// Checks a node against a definition. A list of a type that takes one value is refused here (the
// DAG takes it apart before). ERR_USAGE with the place.
status param_value_read(const param_context *c, const param_def *def, const node *n,
                        param_value *out);
// The same for one value as text, unquoted; or for a list's values with a + between them.
status param_value_read_text(const param_context *c, const param_def *def, const char *typed,
                             location at, param_value *out);

#endif
