// SPDX-License-Identifier: Apache-2.0
// What dataset.c and dataset_text.c share.
#ifndef DATA_DATASET_DATASET_STATE_H
#define DATA_DATASET_DATASET_STATE_H

#include "data/dataset/samples.h"
#include "data/formats/format.h"
#include "data/tokens/token_set.h"
#include "pipeline/base/share.h"

typedef struct tokenised {
    char *tokenizer; // owned; NULL where the dataset has ids already
    int64_t context, vocabulary;
    token_set *set; // owned
} tokenised;

// The sets made of a text dataset so far: tasks of a sweep find them again.
typedef struct token_cache {
    tokenised *at; // owned
    size_t n, capacity;
} token_cache;

struct dataset {
    const format *format;
    dataset_options options; // its strings are owned; `keep` is not kept
    catalogue all;
    int subsets;
    int *group;         // [subsets]: the catalogue's group of each
    int64_t *first;     // [subsets + 1]: where each begins in `order`
    int64_t *order;     // samples by subset, in file order; NULL of text
    token_cache *cache; // owned; grows behind a const dataset
};

void token_cache_free(token_cache *c);

// Gives the ranks of a share what its first rank found of a text dataset (`found`: how that went),
// but for the format's own state. Collective; all return the same status.
status catalogue_share(share *s, status found, catalogue *c);

// The dataset's samples for a model. Borrowed from the dataset. As samples_open; with a share, as
// samples_prepare.
status dataset_tokens(const dataset *d, const sample_spec *spec, share *s, const token_set **out);

// A subset's samples in a set of the dataset. Borrowed.
const token_group *dataset_token_group(const dataset *d, const token_set *set, int subset);

#endif
