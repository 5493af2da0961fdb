// SPDX-License-Identifier: Apache-2.0
// How well a pruned model answers: counts and sums over tiles of samples.
//
// An answer is an image's class, a text position's next token, or a question's choice: of a
// question, only the outputs it may be answered with are compared where its dataset says so.
#ifndef STAGES_PRUNE_ANSWERS_H
#define STAGES_PRUNE_ANSWERS_H

#include <stdbool.h>
#include <stdint.h>

#include "model/model.h"
#include "pipeline/base/fixed.h"
#include "stages/common/tile_source.h"
#include "stages/prune/donor.h"
#include "stages/prune/hidden_cache.h"

// How many answers there are of a kind. COUNTED: those whose target is not in the skip list.
enum {
    ANSWERS_SCORED,
    ANSWERS_CORRECT, // Top-1
    ANSWERS_TOP10,
    ANSWERS_COUNTED,
    ANSWERS_COUNTED_CORRECT,
    ANSWERS_COUNTED_TOP10,
    ANSWER_COUNTS
};
// What is summed, each answer's rounded once: -ln softmax(target), nats; and e to the power of it,
// as the published perplexity has it, of at most ANSWERS_EXP_LIMIT nats (a sum of more would not
// fit).
enum { ANSWERS_LOSS, ANSWERS_EXP_LOSS, ANSWER_SUMS };
enum { ANSWERS_EXP_LIMIT = 30 };

typedef struct answers {
    int64_t count[ANSWER_COUNTS];
    fixed sum[ANSWER_SUMS];
} answers;

// count[some] ÷ count[all]; and a sum's mean over what was scored. NaN where there is nothing to
// divide by.
double answers_share(const answers *a, int some, int all);
double answers_mean(const answers *a, int sum);

// What is asked, of which model. All borrowed.
typedef struct asking {
    model *model;
    pool *pool;
    const tile_source *source;
    const model_mask *mask; // NULL: unpruned
    // What its neurons become where not 0; NULL: they are 0. Then which neurons they are, and the
    // subset to forget.
    const ablation *ablation;
    const ablated_neurons *neurons;
    int64_t forget;
    hidden_cache *cache; // NULL: none. Not in teams, and not with a mask that prunes the first
                         // layer's attention
    const uint8_t *skip; // [outputs] 1: in the skip list; NULL: none is
    const char *label;   // names the task in messages
    int lane;            // of the team's relay
    bool (*stopping)(void *context);
    void *context;
} asking;

// Runs tiles [run.first, run.first + run.tiles), all of which are answered alike
// (tile_source_alike), and writes what came out of each to out[run.tiles]. ERR_NUMERIC when a loss
// is NaN or out of range; fails as model_forward and tile_source_load. Local, or the team's.
status answers_of_tiles(const asking *q, tile_run run, answers *out);

#endif
