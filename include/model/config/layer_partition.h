// SPDX-License-Identifier: Apache-2.0
// How the layers of a model are divided among the members of a team.
#ifndef MODEL_CONFIG_LAYER_PARTITION_H
#define MODEL_CONFIG_LAYER_PARTITION_H

#include "model/config/model_info.h"

// Layers [first, end).
typedef struct layer_range {
    int first, end;
} layer_range;

// Those that member `part` of a team of `parts` runs in passes with or without the head, parts <=
// layers: every member at least one, and all about the same work. It holds both ranges: where the
// head is as much work as some layers, neighbours have a few layers in common.
layer_range model_part(const model_info *info, int part, int parts, bool head);

#endif
