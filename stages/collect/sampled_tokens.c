// SPDX-License-Identifier: Apache-2.0
// Drawn from equal runs rather than from all: no list of what was drawn is searched, and no part of
// a subset is left without.
#include "stages/collect/sampled_tokens.h"

#include "pipeline/base/rng.h"

void sampled_tokens_choose(uint64_t seed, const char *subset, int64_t tokens, int64_t n,
                           int64_t *out)
{
    __extension__ typedef __int128 wide;
    rng r = rng_new(seed, subset);
    for (int64_t t = 0; t < n; t++) {
        int64_t begin = (int64_t)((wide)tokens * t / n);
        int64_t end = (int64_t)((wide)tokens * (t + 1) / n);
        out[t] = begin + (int64_t)rng_below(&r, (uint64_t)t, (uint64_t)(end - begin));
    }
}

sampled_rows sampled_tokens_of(const int64_t *row, int64_t n, const tile_cut *cut)
{
    int64_t first = 0, end;
    while (first < n && row[first] < cut->first_row)
        first++;
    for (end = first; end < n && row[end] < cut->first_row + cut->rows;)
        end++;
    return (sampled_rows){row + first, end - first, first, cut->first_row};
}
