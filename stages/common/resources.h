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

extern const resource_def resource_model; // section `models`, parameter `model`
extern const resource_def resource_data;  // section `datasets`, parameter `data`

// The task's model. Borrowed from the engine. Local.
model *stage_model(const task *t);

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
// And what the matrix products take in `threads` threads: library code, their packing buffers.
double stage_products_bytes(int threads);

// The i-th dataset a parameter names ("data", or "evaluate" with an index). Borrowed from the
// engine. Local.
const dataset *stage_dataset(const task *t, const char *param, size_t i);

// That dataset as the task's model sees it. *out is owned by the caller (samples_close), and
// borrows the dataset. Local. Fails as samples_open; ERR_USAGE at the parameter when one is about
// images and the other about text.
status stage_samples(const task *t, const char *param, size_t i, samples **out);
// Opens it for a stage's `look`, and notes what is to be known of its tokenizer. Local; fails as
// stage_samples.
status stage_look_samples(const task *t, const char *param, size_t i, stage_look *found);
// Notes in an artefact how many broken records were passed over, where there were any.
status stage_note_skipped(int64_t skipped, artefact_writer *w);
// Notes in an artefact how the tokens of the n datasets that a parameter names were masked, where the
// model is a masked language model.
status stage_note_mask(const task *t, const char *param, size_t n, artefact_writer *w);
// samples_prepare for it, of a stage's `prepare`. Collective on the share; fails as stage_samples.
status stage_prepare_samples(const task *t, const char *param, size_t i, share *s);

#endif
