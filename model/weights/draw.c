// SPDX-License-Identifier: Apache-2.0
// The C library's log and cos would be nearly all of the time it takes to draw a model. Here they
// are polynomials over many lanes, good to ten digits, while a weight keeps seven: only where the
// float could be another one within the error of the polynomials does the C library decide, for one
// number in hundreds. So the bits are its own, at a fraction of the time. Compiled with
// -ffp-contract=fast (CMakeLists.txt): how the polynomials round shows in nothing. For AVX-512 it is
// written by hand (model/weights/draw_avx512.c), in half the time of what compilers make of this.
#include "model/weights/draw.h"

#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "model/weights/draw_avx512.h"
#include "pipeline/base/simd.h"

enum { LANES = 256, REDRAW_SHIFT = 48 }; // no tensor has 2^48 elements

// Bounds of how far a number may be from rng_normal's: of its own size, for the polynomials; and of
// the radius it is the projection of, since rng_normal rounds 2 pi v before it takes the cosine.
static const double RELATIVE = 1e-10, OF_RADIUS = 1e-14;

typedef struct block {
    uint32_t counter[4][LANES];
    int32_t doubtful[LANES]; // 1: the C library has to decide
} block;

// Philox-4x32-10, as rng_block has it (pipeline/base/rng.c), with a round in each lane at a time.
SIMD_INLINE void philox(const rng *r, uint64_t first, block *b)
{
    uint32_t k0 = r->key[0], k1 = r->key[1];
    for (int i = 0; i < LANES; i++) {
        b->counter[0][i] = (uint32_t)(first + (uint64_t)i);
        b->counter[1][i] = (uint32_t)((first + (uint64_t)i) >> 32);
        b->counter[2][i] = r->stream[0];
        b->counter[3][i] = r->stream[1];
    }
    for (int round = 0; round < 10; round++) {
        for (int i = 0; i < LANES; i++) {
            const uint64_t p0 = (uint64_t)0xD2511F53 * b->counter[0][i];
            const uint64_t p1 = (uint64_t)0xCD9E8D57 * b->counter[2][i];
            b->counter[0][i] = (uint32_t)(p1 >> 32) ^ b->counter[1][i] ^ k0;
            b->counter[1][i] = (uint32_t)p1;
            b->counter[2][i] = (uint32_t)(p0 >> 32) ^ b->counter[3][i] ^ k1;
            b->counter[3][i] = (uint32_t)p0;
        }
        k0 += 0x9E3779B9;
        k1 += 0xBB67AE85;
    }
}

// The 53 upper bits of two words as a double; by signed conversions, which all vector units have.
SIMD_INLINE double upper_bits(uint32_t high, uint32_t low)
{
    const double upper = (double)(int32_t)(high ^ 0x80000000) + 0x1p31;
    return upper * 0x1p21 + (double)(int32_t)(low >> 11);
}

// ln u for u in (0, 1): u = m 2^e with m around 1, and ln m = 2 atanh((m - 1) / (m + 1)).
SIMD_INLINE double ln(double u)
{
    uint64_t bits;
    double m;
    memcpy(&bits, &u, sizeof bits);
    double e = (double)((int32_t)(bits >> 52) - 1023);
    bits = (bits & 0x000FFFFFFFFFFFFF) | 0x3FF0000000000000;
    memcpy(&m, &bits, sizeof m);
    const bool large = m > M_SQRT2;
    m = large ? m * 0.5 : m;
    e = large ? e + 1 : e;
    const double s = (m - 1) / (m + 1), q = s * s;
    double p = 1.0 / 13;
    for (int k = 11; k >= 1; k -= 2)
        p = p * q + 1.0 / k;
    return e * M_LN2 + 2 * s * p;
}

// cos 2 pi v for v in [0, 1), by the sine of what is missing to a quarter turn.
SIMD_INLINE double cosine_of_turn(double v)
{
    const double a = v > 0.5 ? 1 - v : v, b = a > 0.25 ? 0.5 - a : a;
    const double x = (0.25 - b) * (2 * M_PI), q = x * x;
    double p = 1; // sin x = x (1 - q / (2 * 3) (1 - q / (4 * 5) (...)))
    for (int k = 14; k >= 2; k -= 2)
        p = 1 - q * p * (1.0 / (k * (k + 1)));
    return a > 0.25 ? -x * p : x * p;
}

SIMD_CLONES static void draw_block(const rng *r, double deviation, double limit, uint64_t first,
                                   block *restrict b, float *restrict out)
{
    philox(r, first, b);
    for (int i = 0; i < LANES; i++) {
        const double u = (upper_bits(b->counter[0][i], b->counter[1][i]) + 0.5) * 0x1p-53;
        const double v = upper_bits(b->counter[2][i], b->counter[3][i]) * 0x1p-53;
        const double radius = sqrt(-2 * ln(u)), z = radius * cosine_of_turn(v);
        const double error = (fabs(z) * RELATIVE + radius * OF_RADIUS) * deviation;
        const double x = z * deviation;
        out[i] = (float)x;
        b->doubtful[i] = ((float)(x - error) != (float)(x + error)) | (fabs(x) + error > limit);
    }
}

static float draw_one(const rng *r, double deviation, double limit, uint64_t index)
{
    double x = rng_normal(r, index) * deviation;
    while (fabs(x) > limit)
        x = rng_normal(r, index += UINT64_C(1) << REDRAW_SHIFT) * deviation;
    return (float)x;
}

// One bit for each number that the C library has to decide.
static void draw_plain(const rng *r, double deviation, double limit, uint64_t first, float *out,
                       uint8_t doubtful[LANES / 8])
{
    block b;
    draw_block(r, deviation, limit, first, &b, out);
    for (int i = 0; i < LANES; i += 8) {
        doubtful[i / 8] = 0;
        for (int k = 0; k < 8; k++)
            doubtful[i / 8] |= (uint8_t)(b.doubtful[i + k] << k);
    }
}

// Can a block be drawn by hand? No number is larger than 9 deviations.
static bool is_for_avx512(double deviation, double limit, uint64_t first)
{
    return draw_avx512_has() && deviation > 1e-20 && deviation < 1e20 && 9 * deviation < limit &&
           first >> 32 == (first + LANES - 1) >> 32;
}

void draw_normals(draw_form form, const rng *r, double deviation, bool truncated, size_t first,
                  size_t n, float *out)
{
    const double limit = truncated ? 2 : INFINITY;
    uint8_t doubtful[LANES / 8];
    size_t i = 0;
    for (; i + LANES <= n; i += LANES) {
        const bool by_hand = form != DRAW_PLAIN && is_for_avx512(deviation, limit, first + i);
        if (by_hand && form == DRAW_BF16)
            draw_avx512_bf16(r, deviation, first + i, LANES, &out[i], doubtful);
        else if (by_hand)
            draw_avx512(r, deviation, first + i, LANES, &out[i], doubtful);
        else
            draw_plain(r, deviation, limit, first + i, &out[i], doubtful);
        for (size_t k = 0; k < LANES; k++)
            if (doubtful[k / 8] == 0)
                k += 7;
            else if (doubtful[k / 8] >> k % 8 & 1)
                out[i + k] = draw_one(r, deviation, limit, first + i + k);
    }
    for (; i < n; i++)
        out[i] = draw_one(r, deviation, limit, first + i);
}
