// SPDX-License-Identifier: Apache-2.0
// Models and datasets that sweep: a list where one of their keys takes a value.
#ifndef PIPELINE_DAG_FAMILIES_H
#define PIPELINE_DAG_FAMILIES_H

#include "pipeline/base/arena.h"
#include "pipeline/base/status.h"
#include "pipeline/config/yaml_tree.h"
#include "pipeline/stage.h"

// Writes out such entries: `random: {seed: [1, 2]}` becomes random-1 and random-2, and a step that
// names `random` names the list of them, which it sweeps over. In memory; *root is replaced. ERR_USAGE
// with the place.
status families_expand(arena *memory, const registry *r, const node **root);

#endif
