// SPDX-License-Identifier: Apache-2.0
// Which tokens of a sample are masked, and what stands in their places: a function of the options,
// the subset's name, the sample's number in it and the position, whoever asks.
#ifndef DATA_DATASET_TOKEN_MASK_H
#define DATA_DATASET_TOKEN_MASK_H

#include <stddef.h>
#include <stdint.h>

#include "data/formats/dataset_options.h"
#include "data/tokenizer/tokenizer.h"
#include "pipeline/base/rng.h"
#include "pipeline/base/status.h"

typedef struct token_mask token_mask;

// Of these options (mask above 0), for ids of [0, outputs) by this tokenizer. Owned by the
// caller. ERR_INPUT, naming its file: it has no token to mask with, one that is
// none of the model's, or none but special ones. Local.
status token_mask_new(const tokenizer *t, const dataset_options *o, int32_t outputs,
                      token_mask **out);
void token_mask_free(token_mask *m); // NULL is a no-op
// Masks a sample of a subset: what is masked becomes its position's target, all others are -1. Of
// the n ids, special ones are left alone. Thread-safe.
void token_mask_apply(const token_mask *m, const char *subset, int64_t sample, size_t n,
                      int32_t *ids, int32_t *target);

#endif
