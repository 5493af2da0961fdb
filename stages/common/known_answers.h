// SPDX-License-Identifier: Apache-2.0
// Answers that the tasks of a model have in common: a sweep over drops asks the unpruned model, and
// the first probes of each search, once for all. Each rank knows what it has answered itself.
#ifndef STAGES_COMMON_KNOWN_ANSWERS_H
#define STAGES_COMMON_KNOWN_ANSWERS_H

#include <stdbool.h>

#include "pipeline/base/digest.h"
#include "stages/common/answers.h"

enum { KNOWN_TILES = 12288 }; // at most: what comes later is not kept

typedef struct known_answers known_answers;

// All that a tile's answers depend on, but for the model.
typedef struct known_key {
    char asked[DIGEST_HEX]; // a digest of the data, the skip list and the mask
    int64_t tile;
} known_key;

// Empty. Owned by the caller.
status known_new(known_answers **out);
void known_free(known_answers *k); // NULL is a no-op

// Both local, for one thread at a time.
bool known_find(const known_answers *k, const known_key *key, answers *out);
void known_put(known_answers *k, const known_key *key, const answers *a);

#endif
