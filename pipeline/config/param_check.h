// SPDX-License-Identifier: Apache-2.0
// Mappings checked against tables of parameters: how the engine makes the values that stages read
// through params.h.
#ifndef PIPELINE_CONFIG_PARAM_CHECK_H
#define PIPELINE_CONFIG_PARAM_CHECK_H

#include <stdbool.h>
#include <stddef.h>

#include "pipeline/base/status.h"
#include "pipeline/config/param_table.h"
#include "pipeline/config/param_value.h"
#include "pipeline/config/params.h"
#include "pipeline/config/yaml_tree.h"

// Values that are all absent or default. In c->memory. ERR_INTERNAL where a default does not fit
// its own definition: a mistake in the table.
status params_new(const param_context *c, const param_def *defs, location at, const char *what,
                  params **out);
// A copy whose values can be set without changing the original. In c->memory.
status params_copy(const param_context *c, const params *p, params **out);
// Sets a value from a node. ERR_USAGE with the place.
status params_set(const param_context *c, params *p, size_t i, const node *n);
// ERR_USAGE when a required value is absent; but a PARAM_RESOURCE may still be inherited (dag.h).
status params_require(const params *p);

// All of it for a mapping that takes the keys of one table.
status params_read(const param_context *c, const param_def *defs, const node *map, location at,
                   const char *what, params **out);

// Records an unknown key, with the nearest of n candidates or all of them. Returns ERR_USAGE.
status params_unknown(location at, const char *what, const char *key, const char *const *candidates,
                      size_t n);

#endif
