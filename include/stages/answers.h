// SPDX-License-Identifier: Apache-2.0
// How well a pruned model answers: counts over tiles of samples.
#ifndef STAGES_ANSWERS_H
#define STAGES_ANSWERS_H

#include <stdbool.h>
#include <stdint.h>

#include "model/model.h"
#include "pipeline/base/fixed.h"
#include "stages/tile_source.h"

typedef struct answers {
    int64_t correct, scored; // Top-1 hits; images, or positions of a text with a target
    fixed loss;              // sum of -ln softmax(target), nats, each answer's rounded once
} answers;

// Runs tiles [run.first, run.first + run.tiles) under a mask (NULL: unpruned) and writes what came
// out of each to out[run.tiles]. `label` names the task in messages. ERR_NUMERIC when a loss is NaN
// or out of range. Local.
status answers_of_tiles(model *m, pool *p, const tile_source *source, tile_run run,
                        const model_mask *mask, const char *label, bool (*stopping)(void *context),
                        void *context, answers *out);

#endif
