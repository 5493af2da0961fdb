// SPDX-License-Identifier: Apache-2.0
// The tokens of a subset whose firing is kept.
#ifndef STAGES_COLLECT_SAMPLED_TOKENS_H
#define STAGES_COLLECT_SAMPLED_TOKENS_H

#include "stages/collect/site_sums.h"
#include "stages/common/tiling.h"

// Writes to out[0..n) which tokens of a subset are sampled: one at random of each of n equal runs
// of its `tokens` tokens, so that they ascend and none comes twice. The same on every rank.
void sampled_tokens_choose(uint64_t seed, const char *subset, int64_t tokens, int64_t n,
                           int64_t *out);
// Those of the subset's n sampled rows that lie in a tile. Borrows `row`.
sampled_rows sampled_tokens_of(const int64_t *row, int64_t n, const tile_cut *cut);

#endif
