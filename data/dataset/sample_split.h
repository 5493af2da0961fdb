// SPDX-License-Identifier: Apache-2.0
// Which samples of a subset are collected on, where a seed chooses them.
#ifndef DATA_DATASET_SAMPLE_SPLIT_H
#define DATA_DATASET_SAMPLE_SPLIT_H

#include <stdint.h>

#include "pipeline/base/status.h"

// Writes the numbers 0..n-1 to `order`: first the `collected` ones that the seed chooses, each set
// of so many as likely, then the others; both ascending. A function of the seed, the subset's name,
// n and `collected` alone: the more are collected on, the same ones and others. Local.
status sample_split_make(uint64_t seed, const char *subset, int64_t n, int64_t collected,
                         int64_t *order);

#endif
