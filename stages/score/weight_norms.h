// SPDX-License-Identifier: Apache-2.0
// The model behind a task of `score`, where its measure is of output weights. It is the one that the
// activations are of: a step does not name it.
#ifndef STAGES_SCORE_WEIGHT_NORMS_H
#define STAGES_SCORE_WEIGHT_NORMS_H

#include <stdint.h>

#include "model/model.h"
#include "pipeline/stage.h"

// For stage_def: such a task takes the model, and others do not.
bool weight_norms_takes(const task *t, const char *parameter);
status weight_norms_estimate(const task *t, estimate *out);

// Reads the norms of a site's neurons, norm[layers, width], from the task's model; the caller frees
// them. ERR_INPUT: the model is of another shape than the statistics. Local.
status weight_norms_read(const task *t, site which, int64_t layers, int64_t width, double **norm);

#endif
