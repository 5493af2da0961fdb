// SPDX-License-Identifier: Apache-2.0
// Counter-based random numbers: a value is a function of (seed, stream, index), so any rank can
// make any slice. Philox-4x32-10 (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3",
// SC11).
#ifndef PIPELINE_BASE_RNG_H
#define PIPELINE_BASE_RNG_H

#include <stdint.h>

// A stream of its own: `name` tells streams of one seed apart (a tensor's name, a step's purpose).
typedef struct rng {
    uint32_t key[2];
    uint32_t stream[2];
} rng;

rng rng_new(uint64_t seed, const char *name);

// 128 random bits of position `index`.
void rng_block(const rng *r, uint64_t index, uint32_t out[4]);

// Uniform 64 bits; uniform in [0, 1) with 53 bits; uniform in [0, n) without bias worth naming (n <
// 2^32: the 128-bit product method on 64 random bits); standard normal (Box-Muller on the block of
// `index`).
uint64_t rng_u64(const rng *r, uint64_t index);
double rng_uniform(const rng *r, uint64_t index);
uint64_t rng_below(const rng *r, uint64_t index, uint64_t n);
double rng_normal(const rng *r, uint64_t index);

// Writes a random permutation of 0..n-1 (Fisher-Yates, drawing at indices 0..n-1).
void rng_permutation(const rng *r, int64_t n, int64_t *out);

// Writes 0..n-1 with a random choice of `need` of them at its beginning, in random order: by the
// numbers at indices first..first + need - 1.
void rng_draw(const rng *r, uint64_t first, int64_t n, int64_t need, int64_t *out);

#endif
