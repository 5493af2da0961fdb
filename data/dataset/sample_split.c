// SPDX-License-Identifier: Apache-2.0
// The subset's samples are shuffled, and the first ones are collected on. Only who is where is taken
// from the shuffle: both parts stay in file order, so that files are read forwards, and a part that
// is the whole subset is what it is without a seed.
#include "data/dataset/sample_split.h"

#include <stdbool.h>
#include <stdlib.h>

#include "pipeline/base/checked.h"
#include "pipeline/base/rng.h"
#include "pipeline/base/text.h"

status sample_split_make(uint64_t seed, const char *subset, int64_t n, int64_t collected,
                         int64_t *order)
{
    char *stream = text_format("split %s", subset);
    bool *chosen = checked_calloc((size_t)n, sizeof *chosen);
    status st = stream && chosen ? OK : status_no_memory("a split");
    if (st != OK)
        goto done;
    const rng random = rng_new(seed, stream);
    rng_permutation(&random, n, order);
    for (int64_t i = 0; i < collected; i++)
        chosen[order[i]] = true;
    int64_t next[2] = {collected, 0}; // of the others, of the chosen
    for (int64_t i = 0; i < n; i++)
        order[next[chosen[i]]++] = i;
done:
    free(stream);
    free(chosen);
    return st;
}
