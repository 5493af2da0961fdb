// SPDX-License-Identifier: Apache-2.0
// What a pipeline file names beside steps: models and datasets. Stages ask here, never
// task_resource itself.
#ifndef STAGES_COMMON_RESOURCES_H
#define STAGES_COMMON_RESOURCES_H

#include <stddef.h>

#include "data/dataset/dataset.h"
#include "model/model.h"
#include "pipeline/stage.h"
#include "stages/common/tiling.h"

extern const resource_def resource_model; // section `models`, parameter `model`
extern const resource_def resource_data;  // section `datasets`, parameter `data`

// The task's model, and where it was opened from. Borrowed from the engine. Local.
model *stage_model(const task *t);
const char *stage_model_path(const task *t);

// What a task leaves with its model for the next one of it; the struct of whoever leaves it begins
// with this.
typedef struct model_cache model_cache;
struct model_cache {
    void (*free)(model_cache *self); // when the model is closed
};
// Where the task's model has it: NULL until a task sets it. Borrowed from the engine. Local.
model_cache **stage_model_cache(const task *t);

// For estimates: bytes of the model that a rank holds, and the ranks of its node once; in teams,
// the most that a member holds.
double stage_model_bytes(const task *t);
// Bytes of all its weights, in the type that products read.
double stage_weight_bytes(const task *t);
// What its passes need beside in `threads` threads, of these tiles.
double stage_scratch_bytes(const task *t, int threads, const tiling *cuts);
// And what the matrix products take in `threads` threads: library code, their packing buffers.
double stage_products_bytes(int threads);

// The i-th dataset a parameter names ("data", or "evaluate" with an index). Borrowed from the
// engine. Local.
const dataset *stage_dataset(const task *t, const char *param, size_t i);

#endif
