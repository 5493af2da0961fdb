// SPDX-License-Identifier: Apache-2.0
// The samples of a text dataset as the tokens of a model.
#ifndef DATA_DATASET_DATASET_TOKENS_H
#define DATA_DATASET_DATASET_TOKENS_H

#include "data/dataset/dataset.h"
#include "data/dataset/sample_spec.h"
#include "data/tokens/token_set.h"
#include "pipeline/base/share.h"
#include "pipeline/base/status.h"

// Tokenises the dataset for a model, or finds what it did before. Borrowed from the dataset. As
// samples_open; with a share, as samples_prepare.
status dataset_tokens(const dataset *d, const sample_spec *spec, share *s, const token_set **out);

// A subset's samples in a set of the dataset. Borrowed from the set. Local.
const token_group *dataset_tokens_group(const dataset *d, const token_set *set, int subset);

#endif
