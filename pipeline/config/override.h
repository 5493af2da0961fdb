// SPDX-License-Identifier: Apache-2.0
// Overrides of the command line: `-s key.path=value`.
#ifndef PIPELINE_CONFIG_OVERRIDE_H
#define PIPELINE_CONFIG_OVERRIDE_H

#include "pipeline/base/status.h"
#include "pipeline/config/yaml_tree.h"

// Applies "key.path=value" to the tree at *root: the value is YAML; every part of the path but the
// last must exist (a key that holds dots is found too), the last is replaced or added. A mapping
// that is shared through an alias is copied, so that only the named one changes. New nodes are
// owned by `memory`. ERR_USAGE naming the override, with the nearest right word. Local.
status override_apply(arena *memory, const node **root, const char *assignment);

#endif
