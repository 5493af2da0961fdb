// SPDX-License-Identifier: Apache-2.0
// An open dataset, for the files of this folder: dataset.c makes it.
#ifndef DATA_DATASET_DATASET_STATE_H
#define DATA_DATASET_DATASET_STATE_H

#include <stdint.h>

#include "data/dataset/token_cache.h"
#include "data/formats/catalogue.h"
#include "data/formats/dataset_options.h"
#include "data/formats/format.h"

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

#endif
