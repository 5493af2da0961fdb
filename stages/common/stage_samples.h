// SPDX-License-Identifier: Apache-2.0
// The samples of a task's datasets, as its model sees them.
#ifndef STAGES_COMMON_STAGE_SAMPLES_H
#define STAGES_COMMON_STAGE_SAMPLES_H

#include <stddef.h>

#include "data/dataset/samples.h"
#include "pipeline/stage.h"

// What the stages' versions changed that cut datasets in two.
#define STAGE_SPLIT_CHANGED                                                                        \
    "a seed chooses the samples that are collected on; split_seed: none of the dataset cuts it "   \
    "as "                                                                                          \
    "before"

// The i-th dataset a parameter names as the task's model sees it. *out is owned by the caller (samples_close), and
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
