// SPDX-License-Identifier: Apache-2.0
// Parameters as tables: what a stage, a model or a dataset takes, from which the YAML is checked,
// the task key is made and `sulcus describe` is printed.
#ifndef PIPELINE_CONFIG_PARAM_DEF_H
#define PIPELINE_CONFIG_PARAM_DEF_H

#include <stdbool.h>

typedef enum param_type {
    PARAM_BOOL,
    // Of these two, with `choices`, one of those words instead of a number is fine too (`collect:
    // same`).
    PARAM_INT,
    PARAM_REAL,
    PARAM_TEXT, // with `choices`, one of them
    PARAM_PATH, // relative to the pipeline file; absolute once checked. Keyed by content, never by
                // name
    PARAM_DURATION, // 60, 60s, 5m, 2h: seconds as a real
    PARAM_SIZE,     // 4GiB, 500MB, 80%: bytes as a real, or a negative share of the node (-0.8)
    PARAM_RESOURCE, // the name of an entry of the section `section` (a model, a dataset)
    PARAM_FROM,     // upstream steps: "step", or "step[axis=value,…]" to select; a list by nature
    // Lists by nature: they never sweep. One value alone is a list of one.
    PARAM_INTS,
    PARAM_REALS, // an item "0.01:0.99:0.01" is the numbers FIRST:LAST:STEP
    PARAM_TEXTS, // with `choices`, each of them
    PARAM_RESOURCES,
} param_type;

typedef struct param_def {
    const char *name; // NULL ends the table
    param_type type;
    const char *value; // default as YAML text; NULL: absent unless given
    bool required;
    double low, high;    // inclusive range of numbers and list items; both 0: any
    const char *choices; // "abs|rms|std"
    const char *section; // of PARAM_RESOURCE(S): "models", "datasets"
    bool unkeyed;        // true: does not change results, is not in the task's key
    const char *help;    // one line, for `sulcus describe`
} param_def;

#endif
