// SPDX-License-Identifier: Apache-2.0
// Each number is computed from its index alone: any rank can make any slice, in any order, and gets
// the same numbers. The stream's name is hashed into the counter, the seed is the key.
#include "pipeline/base/rng.h"

#include <math.h>
#include <string.h>
#include <xxhash.h>

rng rng_new(uint64_t seed, const char *name)
{
    uint64_t stream = XXH3_64bits(name, strlen(name));
    return (rng){{(uint32_t)seed, (uint32_t)(seed >> 32)},
                 {(uint32_t)stream, (uint32_t)(stream >> 32)}};
}

void rng_block(const rng *r, uint64_t index, uint32_t out[4])
{
    uint32_t c[4] = {(uint32_t)index, (uint32_t)(index >> 32), r->stream[0], r->stream[1]};
    uint32_t k0 = r->key[0], k1 = r->key[1];
    for (int round = 0; round < 10; round++) {
        uint64_t p0 = (uint64_t)0xD2511F53 * c[0], p1 = (uint64_t)0xCD9E8D57 * c[2];
        uint32_t next[4] = {(uint32_t)(p1 >> 32) ^ c[1] ^ k0, (uint32_t)p1,
                            (uint32_t)(p0 >> 32) ^ c[3] ^ k1, (uint32_t)p0};
        memcpy(c, next, sizeof c);
        k0 += 0x9E3779B9;
        k1 += 0xBB67AE85;
    }
    memcpy(out, c, sizeof c);
}

uint64_t rng_u64(const rng *r, uint64_t index)
{
    uint32_t b[4];
    rng_block(r, index, b);
    return (uint64_t)b[0] << 32 | b[1];
}

double rng_uniform(const rng *r, uint64_t index)
{
    return (double)(rng_u64(r, index) >> 11) * 0x1p-53;
}

uint64_t rng_below(const rng *r, uint64_t index, uint64_t n)
{
    __extension__ typedef unsigned __int128 wide;
    return (uint64_t)((wide)rng_u64(r, index) * n >> 64);
}

double rng_normal(const rng *r, uint64_t index)
{
    uint32_t b[4];
    rng_block(r, index, b);
    double u = ((double)((uint64_t)b[0] << 21 | b[1] >> 11) + 0.5) * 0x1p-53; // in (0, 1)
    double v = (double)((uint64_t)b[2] << 21 | b[3] >> 11) * 0x1p-53;
    return sqrt(-2 * log(u)) * cos(2 * M_PI * v);
}

void rng_permutation(const rng *r, int64_t n, int64_t *out)
{
    for (int64_t i = 0; i < n; i++) {
        int64_t j = (int64_t)rng_below(r, (uint64_t)i, (uint64_t)i + 1);
        out[i] = out[j];
        out[j] = i;
    }
}

void rng_draw(const rng *r, uint64_t first, int64_t n, int64_t need, int64_t *out)
{
    for (int64_t i = 0; i < n; i++)
        out[i] = i;
    for (int64_t i = 0; i < need; i++) {
        int64_t pick = i + (int64_t)rng_below(r, first + (uint64_t)i, (uint64_t)(n - i));
        int64_t other = out[i];
        out[i] = out[pick];
        out[pick] = other;
    }
}
