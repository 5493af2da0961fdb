// SPDX-License-Identifier: Apache-2.0
// What a pipeline file names beside steps: models and datasets. Stages ask here, never
// task_resource itself.
#ifndef STAGES_COMMON_RESOURCES_H
#define STAGES_COMMON_RESOURCES_H

#include <stddef.h>

#include "data/dataset/dataset.h"
#include "data/dataset/samples.h"
#include "model/model.h"
#include "pipeline/stage.h"
#include "stages/common/hidden_cache.h"
#include "stages/common/known_answers.h"

extern const resource_def resource_model; // section `models`, parameter `model`
extern const resource_def resource_data;  // section `datasets`, parameter `data`

// The task's model. Borrowed from the engine. Local.
model *stage_model(const task *t);
// What its tasks keep of its passes (stages/kept.h). Borrowed from the engine.
kept_store *stage_model_kept(const task *t);
// What this rank has answered of it already (stages/known.h). Borrowed from the engine.
known_answers *stage_model_known(const task *t);

// For estimates: bytes of the model that a rank holds, and the ranks of its node once; in teams,
// the most that a member holds.
double stage_model_bytes(const task *t);
// And what the matrix products take in `threads` threads: library code, their packing buffers.
double stage_products_bytes(int threads);

// The i-th dataset a parameter names ("data", or "evaluate" with an index). Borrowed from the
// engine. Local.
const dataset *stage_dataset(const task *t, const char *param, size_t i);

// That dataset as the task's model sees it. *out is owned by the caller (samples_close), and
// borrows the dataset. Local. Fails as samples_open; ERR_USAGE at the parameter's
// place when one is about images and the other about text.
status stage_samples(const task *t, const char *param, size_t i, samples **out);
// samples_prepare for it, of a stage's `prepare`. Collective on the share; fails as stage_samples.
status stage_prepare_samples(const task *t, const char *param, size_t i, share *s);

#endif
