// SPDX-License-Identifier: Apache-2.0
// Eight numbers at a time, a word of the generator in each lane of 64 bits: then a round is six
// instructions. The logarithm is a table of sixteen and a polynomial, the root an estimate that is
// bettered once, the cosine a polynomial: each is good to ten digits, where a float keeps seven.
// Whether the float could be another one is read off the bits that it drops. Of a number that is
// kept as bf16, seven digits do: floats, sixteen at a time, by the same steps.
#include "model/weights/draw_avx512.h"

#if defined(__x86_64__)

#include <immintrin.h>
#include <math.h>
#include <string.h>

#define AVX512 __attribute__((target("avx512f")))
#define INLINE static inline __attribute__((always_inline))

enum { LANES = 8, SIDES = 2, DROPPED = 29 }; // bits that a double has and a float has not

// How far a number may be from rng_normal's, of its own size. Of the polynomials: 2.2e-11 for the
// cosine, 4e-12 for the logarithm. The others grow where little is left of a number: the root of
// the logarithm at both ends of u, of which 53 bits are known, and the cosine around its zeros,
// since rng_normal rounds 2 pi v before it takes it. END and ZERO cut these off, at 4e-12 and
// 7e-12.
static const double RELATIVE = 5e-11, END = 0x1p-16, ZERO = 0x1p-12;

// Words of Philox-4x32-10, in the lower half of each lane; the upper ones hold anything.
typedef struct words {
    __m512i w[4];
} words;

AVX512 INLINE __m512i all(uint64_t value)
{
    return _mm512_set1_epi64((long long)value);
}

AVX512 INLINE __m512i exclusive(__m512i a, __m512i b, __m512i c)
{
    return _mm512_ternarylogic_epi64(a, b, c, 0x96);
}

// The keys of all rounds, in memory, from where an instruction takes one for all lanes.
enum { ROUNDS = 10 };
typedef struct keys {
    uint64_t k[ROUNDS][2];
} keys;

static void make_keys(const rng *r, keys *out)
{
    for (uint32_t i = 0; i < ROUNDS; i++) {
        out->k[i][0] = r->key[0] + i * 0x9E3779B9;
        out->k[i][1] = r->key[1] + i * 0xBB67AE85;
    }
}

AVX512 INLINE void turn(words *c, const uint64_t key[2])
{
    const __m512i p0 = _mm512_mul_epu32(c->w[0], all(0xD2511F53));
    const __m512i p1 = _mm512_mul_epu32(c->w[2], all(0xCD9E8D57));
    c->w[0] = exclusive(_mm512_srli_epi64(p1, 32), c->w[1], all(key[0]));
    c->w[1] = p1;
    c->w[2] = exclusive(_mm512_srli_epi64(p0, 32), c->w[3], all(key[1]));
    c->w[3] = p0;
}

// As rng_block has it (pipeline/base/rng.c), of SIDES times eight indices by their lower words,
// side by side, since a round is a chain of four instructions; the upper word, which all share,
// makes half of the first two rounds the same in all turns of the loop.
AVX512 INLINE void philox(const rng *r, const keys *key, __m512i index, __m512i upper,
                          words c[SIDES])
{
#pragma GCC unroll 2
    for (int i = 0; i < SIDES; i++)
        c[i] = (words){{_mm512_add_epi64(index, all((uint64_t)i * LANES)), upper, all(r->stream[0]),
                        all(r->stream[1])}};
#pragma GCC unroll 10
    for (int round = 0; round < ROUNDS; round++) {
#pragma GCC unroll 2
        for (int i = 0; i < SIDES; i++)
            turn(&c[i], key->k[round]);
    }
}

// 1 + the upper 52 bits of two words as a fraction.
AVX512 INLINE __m512d one_and_fraction(__m512i high, __m512i low)
{
    const __m512i one = all(0x3FF0000000000000);
    const __m512i upper =
        _mm512_ternarylogic_epi64(_mm512_slli_epi64(high, 20), all(0x000FFFFFFFF00000), one, 0xEA);
    const __m512i bits = _mm512_ternarylogic_epi64(_mm512_srli_epi64(low, 12), all(0xFFFFF), upper,
                                                   0xEA); // (a and b) or c
    return _mm512_castsi512_pd(bits);
}

// Coefficients of a polynomial, the highest first.
AVX512 INLINE __m512d polynomial(__m512d x, const double *c, int n)
{
    __m512d p = _mm512_set1_pd(c[0]);
    for (int i = 1; i < n; i++)
        p = _mm512_fmadd_pd(p, x, _mm512_set1_pd(c[i]));
    return p;
}

// -ln u, u in (0, 1): u = m 2^e, m c = 1 + r for one of sixteen c, |r| <= 1/32. In the last part of
// them c = 1/2, so that both logarithms cancel where u is almost 1.
AVX512 INLINE __m512d minus_ln(__m512d u)
{
    static const double c[16] = {248 / 256.0, 234 / 256.0, 221 / 256.0, 210 / 256.0,
                                 200 / 256.0, 191 / 256.0, 182 / 256.0, 174 / 256.0,
                                 167 / 256.0, 161 / 256.0, 155 / 256.0, 149 / 256.0,
                                 144 / 256.0, 139 / 256.0, 134 / 256.0, 128 / 256.0};
    static const double ln_c[16] = {
        -0.0317486983145803,  -0.08985632912186105, -0.14701474296180966, -0.1980699137620938,
        -0.24686007793152578, -0.2929040164329326,  -0.34117075740276714, -0.38612214526503347,
        -0.42718363206280735, -0.4637730794950995,  -0.5017523275603158,  -0.5412311385341033,
        -0.5753641449035618,  -0.6107035113488707,  -0.6473376445286511,  -0.6931471805599453};
    // (r - ln(1 + r)) / r² within 8e-12 / r
    static const double p[] = {0.1668809214949815, -0.20017487495127442, 0.24999990263717226,
                               -0.3333332905423741, 0.5000000000073295};
    const __m512d e = _mm512_getexp_pd(u);
    const __m512d m = _mm512_getmant_pd(u, _MM_MANT_NORM_1_2, _MM_MANT_SIGN_src);
    const __m512i part = _mm512_srli_epi64(_mm512_castpd_si512(u), 48); // its lowest four bits
    const __m512d by = _mm512_permutex2var_pd(_mm512_loadu_pd(c), part, _mm512_loadu_pd(c + LANES));
    const __m512d ln =
        _mm512_permutex2var_pd(_mm512_loadu_pd(ln_c), part, _mm512_loadu_pd(ln_c + LANES));
    const __m512d r = _mm512_fmsub_pd(m, by, _mm512_set1_pd(1));
    const __m512d whole = _mm512_fnmadd_pd(e, _mm512_set1_pd(M_LN2), ln);
    const __m512d rest = _mm512_fmsub_pd(_mm512_mul_pd(r, r), polynomial(r, p, 5), r);
    return _mm512_add_pd(whole, rest);
}

// From an estimate of 1/√x within 2^-14.
AVX512 INLINE __m512d root(__m512d x)
{
    const __m512d about = _mm512_rsqrt14_pd(x), y = _mm512_mul_pd(x, about);
    const __m512d off = _mm512_fnmadd_pd(y, about, _mm512_set1_pd(1));
    const __m512d more = _mm512_fmadd_pd(off, _mm512_set1_pd(0.375), _mm512_set1_pd(0.5));
    return _mm512_fmadd_pd(_mm512_mul_pd(y, off), more, y);
}

// sin(2 pi t) / t by t², |t| <= 1/4.
AVX512 INLINE __m512d sine_of_turn(__m512d square)
{
    static const double p[] = {-14.381390253982868, 42.007797067488745, -76.7041702489724,
                               81.60522369007006,   -41.3417020969256,  6.283185307046688};
    return polynomial(square, p, 6);
}

AVX512 INLINE __m512d magnitude(__m512d x)
{
    return _mm512_castsi512_pd(_mm512_and_si512(_mm512_castpd_si512(x), all(0x7FFFFFFFFFFFFFFF)));
}

// Is x, whose error is `RELATIVE` of it at most, so near the middle between two floats that its
// float is in doubt?
AVX512 INLINE __mmask8 is_between(__m512d x)
{
    const uint64_t most = (uint64_t)(RELATIVE * 0x1p53), middle = UINT64_C(1) << (DROPPED - 1);
    const __m512i from_there = _mm512_sub_epi64(_mm512_castpd_si512(x), all(middle - most));
    return _mm512_cmplt_epu64_mask(_mm512_and_si512(from_there, all(2 * middle - 1)),
                                   all(2 * most));
}

// Eight numbers from their words.
AVX512 INLINE uint8_t make_numbers(const words *b, __m512d scale, float *out)
{
    const __m512d u = one_and_fraction(b->w[0], b->w[1]), v = one_and_fraction(b->w[2], b->w[3]);
    const __m512d from_half = magnitude(_mm512_sub_pd(u, _mm512_set1_pd(1.5)));
    const __m512d half_turn = magnitude(_mm512_sub_pd(v, _mm512_set1_pd(1.5)));
    const __m512d t = _mm512_sub_pd(half_turn, _mm512_set1_pd(0.25)); // cos 2 pi v = sin 2 pi t
    const __m512d cosine = _mm512_mul_pd(t, sine_of_turn(_mm512_mul_pd(t, t)));
    const __m512d half_square = minus_ln(_mm512_sub_pd(u, _mm512_set1_pd(1 - 0x1p-53)));
    const __m512d x = _mm512_mul_pd(root(half_square), _mm512_mul_pd(cosine, scale));
    const __mmask8 end = _mm512_cmp_pd_mask(from_half, _mm512_set1_pd(0.5 - END), _CMP_GT_OQ);
    const __mmask8 zero = _mm512_cmp_pd_mask(magnitude(t), _mm512_set1_pd(ZERO), _CMP_LT_OQ);
    _mm256_storeu_ps(out, _mm512_cvtpd_ps(x));
    return (uint8_t)(is_between(x) | end | zero);
}

AVX512 void draw_avx512(const rng *r, double deviation, uint64_t first, size_t n, float *out,
                        uint8_t *doubtful)
{
    const __m512d scale = _mm512_set1_pd(deviation * M_SQRT2);
    const __m512i upper = all(first >> 32), step = all((uint64_t)SIDES * LANES);
    __m512i index = _mm512_add_epi64(all(first), _mm512_set_epi64(7, 6, 5, 4, 3, 2, 1, 0));
    words b[SIDES];
    keys key;
    make_keys(r, &key);
    for (size_t i = 0; i < n; i += (size_t)SIDES * LANES, index = _mm512_add_epi64(index, step)) {
        philox(r, &key, index, upper, b);
#pragma GCC unroll 2
        for (size_t k = 0; k < SIDES; k++)
            doubtful[i / LANES + k] = make_numbers(&b[k], scale, out + i + k * LANES);
    }
}

// What of a number's error in floats comes from knowing 32 bits of u and of v is cut off as above;
// the polynomials have 1e-6.
static const double HALF_RELATIVE = 4e-6, HALF_END = 0x1p-14, HALF_ZERO = 0x1p-13;
enum { HALF_DROPPED = 16 };

// The lower words of both sides.
AVX512 INLINE __m512i sixteen(const words b[SIDES], int word)
{
    const __m512i even =
        _mm512_set_epi32(30, 28, 26, 24, 22, 20, 18, 16, 14, 12, 10, 8, 6, 4, 2, 0);
    return _mm512_permutex2var_epi32(b[0].w[word], even, b[1].w[word]);
}

AVX512 INLINE __m512 half_polynomial(__m512 x, const float *c, int n)
{
    __m512 p = _mm512_set1_ps(c[0]);
    for (int i = 1; i < n; i++)
        p = _mm512_fmadd_ps(p, x, _mm512_set1_ps(c[i]));
    return p;
}

// -ln u of u = y / 2^32, or 1 + y / 2^32 where y < 0: as (1 + d) 2^e, d from -1/2 to 0, of which
// nothing is lost where u is almost 1; (1 + d) c = 1 + r for one of sixteen c, |r| <= 1/32.
AVX512 INLINE __m512 half_minus_ln(__m512 y)
{
    static const float c[16] = {496 / 256.0F, 468 / 256.0F, 443 / 256.0F, 420 / 256.0F,
                                400 / 256.0F, 381 / 256.0F, 364 / 256.0F, 349 / 256.0F,
                                334 / 256.0F, 321 / 256.0F, 309 / 256.0F, 298 / 256.0F,
                                287 / 256.0F, 278 / 256.0F, 269 / 256.0F, 1};
    static const float ln_c[16] = {0.661398482F, 0.603290851F,  0.548392326F,  0.495077267F,
                                   0.446287103F, 0.397621931F,  0.351976423F,  0.309894478F,
                                   0.265963548F, 0.226263679F,  0.188163832F,  0.151916042F,
                                   0.114304771F, 0.0824436692F, 0.0495339351F, 0};
    static const float p[] = {0.250203592F, -0.333479903F, 0.49999996F};
    const __m512 one = _mm512_set1_ps(1);
    const __mmask16 lower = _mm512_cmp_ps_mask(y, _mm512_setzero_ps(), _CMP_GT_OQ);
    const __m512 m = _mm512_getmant_ps(y, _MM_MANT_NORM_p5_1, _MM_MANT_SIGN_src);
    const __m512 d = _mm512_mask_sub_ps(_mm512_mul_ps(y, _mm512_set1_ps(0x1p-32F)), lower, m, one);
    // m is y / 2^(exponent + 1), and y is u 2^32
    const __m512 e = _mm512_maskz_sub_ps(lower, _mm512_set1_ps(31), _mm512_getexp_ps(y));
    const __m512i part =
        _mm512_srli_epi32(_mm512_castps_si512(_mm512_add_ps(d, one)), 19); // its lowest four bits
    const __m512 by = _mm512_permutexvar_ps(part, _mm512_loadu_ps(c));
    const __m512 r = _mm512_fmadd_ps(d, by, _mm512_sub_ps(by, one));
    const __m512 whole = _mm512_fmadd_ps(e, _mm512_set1_ps((float)M_LN2),
                                         _mm512_permutexvar_ps(part, _mm512_loadu_ps(ln_c)));
    const __m512 rest = _mm512_fmsub_ps(_mm512_mul_ps(r, r), half_polynomial(r, p, 3), r);
    return _mm512_add_ps(whole, rest);
}

AVX512 INLINE __m512 half_root(__m512 x)
{
    const __m512 about = _mm512_rsqrt14_ps(x), y = _mm512_mul_ps(x, about);
    const __m512 off = _mm512_fnmadd_ps(y, about, _mm512_set1_ps(1));
    return _mm512_fmadd_ps(_mm512_mul_ps(y, off), _mm512_set1_ps(0.5F), y);
}

// A quarter turn less than how far v is from a whole one, of 2^32; `word` is v's upper 32 bits.
AVX512 INLINE __m512 turn_of(__m512i word)
{
    const __m512i to_whole = _mm512_xor_si512(word, _mm512_srai_epi32(word, 31));
    return _mm512_add_ps(_mm512_cvtepi32_ps(_mm512_sub_epi32(to_whole, _mm512_set1_epi32(1 << 30))),
                         _mm512_set1_ps(0.5F));
}

AVX512 INLINE __mmask16 is_small(__m512 x, double most)
{
    const __m512i magnitude =
        _mm512_and_si512(_mm512_castps_si512(x), _mm512_set1_epi32(INT32_MAX));
    return _mm512_cmp_ps_mask(_mm512_castsi512_ps(magnitude), _mm512_set1_ps((float)most),
                              _CMP_LT_OQ);
}

AVX512 INLINE __mmask16 is_between_halves(__m512 x)
{
    const int most = (int)(HALF_RELATIVE * 0x1p24) + 2, middle = 1 << (HALF_DROPPED - 1);
    const __m512i from_there =
        _mm512_sub_epi32(_mm512_castps_si512(x), _mm512_set1_epi32(middle - most));
    return _mm512_cmplt_epu32_mask(_mm512_and_si512(from_there, _mm512_set1_epi32(2 * middle - 1)),
                                   _mm512_set1_epi32(2 * most));
}

AVX512 void draw_avx512_bf16(const rng *r, double deviation, uint64_t first, size_t n, float *out,
                             uint8_t *doubtful)
{
    static const float minus_sine[] = {71.4746933F, -81.3953552F, 41.3389435F, -6.28317928F};
    const __m512 scale = _mm512_set1_ps((float)(deviation * M_SQRT2));
    const __m512i upper = all(first >> 32), step = all((uint64_t)SIDES * LANES);
    __m512i index = _mm512_add_epi64(all(first), _mm512_set_epi64(7, 6, 5, 4, 3, 2, 1, 0));
    words b[SIDES];
    keys key;
    make_keys(r, &key);
    for (size_t i = 0; i < n; i += (size_t)SIDES * LANES, index = _mm512_add_epi64(index, step)) {
        philox(r, &key, index, upper, b);
        const __m512 y = _mm512_add_ps(_mm512_cvtepi32_ps(sixteen(b, 0)), _mm512_set1_ps(0.5F));
        const __m512 whole = turn_of(sixteen(b, 2));
        const __m512 t = _mm512_mul_ps(whole, _mm512_set1_ps(0x1p-32F));
        const __m512 cosine = _mm512_mul_ps(t, half_polynomial(_mm512_mul_ps(t, t), minus_sine, 4));
        const __m512 x = _mm512_mul_ps(half_root(half_minus_ln(y)), _mm512_mul_ps(cosine, scale));
        const uint16_t bits = (uint16_t)(is_between_halves(x) | is_small(y, HALF_END * 0x1p32) |
                                         is_small(t, HALF_ZERO));
        _mm512_storeu_ps(out + i, x);
        memcpy(doubtful + i / LANES, &bits, sizeof bits);
    }
}

bool draw_avx512_has(void)
{
    return __builtin_cpu_supports("avx512f");
}

#else

bool draw_avx512_has(void)
{
    return false;
}

void draw_avx512(const rng *r, double deviation, uint64_t first, size_t n, float *out,
                 uint8_t *doubtful)
{
    (void)r, (void)deviation, (void)first, (void)n, (void)out, (void)doubtful;
}

void draw_avx512_bf16(const rng *r, double deviation, uint64_t first, size_t n, float *out,
                      uint8_t *doubtful)
{
    (void)r, (void)deviation, (void)first, (void)n, (void)out, (void)doubtful;
}

#endif
