// SPDX-License-Identifier: Apache-2.0
// The checked values of one task, one resource or the pipeline itself, as stages read them.
#ifndef PIPELINE_CONFIG_PARAMS_H
#define PIPELINE_CONFIG_PARAMS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pipeline/base/status.h"
#include "pipeline/config/param_def.h"

// Every parameter of its table has a value or is absent; defaults are filled in. Opaque; owned by
// the engine, borrowed by stages.
typedef struct params params;

bool params_has(const params *p, const char *name);
// Each asks for a parameter of its type that is present; anything else is a mistake in the program
// (assert).
bool params_bool(const params *p, const char *name);
int64_t params_int(const params *p, const char *name);
double params_real(const params *p, const char *name); // also durations and sizes
const char *params_text(const params *p,
                        const char *name); // also choices, paths, resources; of a PARAM_INT or
                                           // PARAM_REAL, its word or NULL
size_t params_count(const params *p, const char *name); // items of a list; 0 when absent
double params_real_at(const params *p, const char *name, size_t i);
const char *params_text_at(const params *p, const char *name, size_t i);
bool params_lists(const params *p, const char *name,
                  const char *item); // is `item` in a list of texts?

// Have both the same value, or neither one?
bool params_same(const params *a, const params *b, const char *name);

// Records a usage error at the place where `name` was given (file:line:column), or at its step.
// Returns ERR_USAGE.
status params_fail(const params *p, const char *name, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
