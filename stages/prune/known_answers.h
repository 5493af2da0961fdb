// SPDX-License-Identifier: Apache-2.0
// Answers that the tasks of a model have in common: a sweep over drops asks the unpruned model, and
// the first probes of each search, once for all. Each rank knows what it has answered itself. No
// model and no engine here.
#ifndef STAGES_PRUNE_KNOWN_ANSWERS_H
#define STAGES_PRUNE_KNOWN_ANSWERS_H

#include <stdbool.h>

#include "pipeline/base/digest.h"
#include "stages/prune/answers.h"

enum { KNOWN_ANSWERS_TILES = 12288 }; // at most: what comes later is dropped

typedef struct known_answers known_answers;

// All that a tile's answers depend on, but for the model.
typedef struct known_answers_key {
    char asked[DIGEST_HEX]; // a digest of the data, the skip list and the mask
    int64_t tile;
} known_answers_key;

// Empty. Owned by the caller. Fails when out of memory.
status known_answers_new(known_answers **out);
void known_answers_free(known_answers *k); // NULL is a no-op

// Copies a tile's answers to *out, or returns false; adds them where there is room. Local. Any
// thread may call them.
bool known_answers_find(known_answers *k, const known_answers_key *key, answers *out);
void known_answers_put(known_answers *k, const known_answers_key *key, const answers *a);

#endif
