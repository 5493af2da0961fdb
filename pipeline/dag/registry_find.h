// SPDX-License-Identifier: Apache-2.0
// What a name in a pipeline file stands for.
#ifndef PIPELINE_DAG_REGISTRY_FIND_H
#define PIPELINE_DAG_REGISTRY_FIND_H

#include "pipeline/stage.h"

// NULL: there is none of that name. Static.
const resource_def *registry_section(const registry *r, const char *name);
const stage_def *registry_stage(const registry *r, const char *name);

#endif
