// SPDX-License-Identifier: Apache-2.0
// Each loop is the format's definition, one block at a time. Weights are converted once when a
// model is opened, so clarity comes before speed, and products and sums keep the order of the
// `gguf` package, whose values these are to the last bit.
#include "model/files/quants.h"

#include <stdint.h>
#include <string.h>

#include "model/files/half.h"

enum { SMALL = 32, SUPER = 256 }; // values of a block, of a super-block

static float half_at(const uint8_t *at)
{
    uint16_t bits;
    memcpy(&bits, at, sizeof bits);
    return half_to_float(bits);
}

// Bit i of a 32-bit mask, as the fifth bit of a value.
static int fifth_bit(uint32_t mask, int i)
{
    return (int)(mask >> i & 1) << 4;
}

void quant_q8_0(const void *from, size_t blocks, float *to)
{
    const uint8_t *b = from;
    for (; blocks > 0; blocks--, b += 2 + SMALL, to += SMALL) {
        float scale = half_at(b);
        for (int i = 0; i < SMALL; i++)
            to[i] = scale * (float)(int8_t)b[2 + i];
    }
}

void quant_q4_0(const void *from, size_t blocks, float *to)
{
    const uint8_t *b = from;
    for (; blocks > 0; blocks--, b += 2 + SMALL / 2, to += SMALL) {
        float scale = half_at(b);
        for (int i = 0; i < SMALL / 2; i++) {
            to[i] = scale * (float)((b[2 + i] & 15) - 8);
            to[i + SMALL / 2] = scale * (float)((b[2 + i] >> 4) - 8);
        }
    }
}

void quant_q4_1(const void *from, size_t blocks, float *to)
{
    const uint8_t *b = from;
    for (; blocks > 0; blocks--, b += 4 + SMALL / 2, to += SMALL) {
        float scale = half_at(b), least = half_at(b + 2);
        for (int i = 0; i < SMALL / 2; i++) {
            to[i] = scale * (float)(b[4 + i] & 15) + least;
            to[i + SMALL / 2] = scale * (float)(b[4 + i] >> 4) + least;
        }
    }
}

void quant_q5_0(const void *from, size_t blocks, float *to)
{
    const uint8_t *b = from;
    for (; blocks > 0; blocks--, b += 6 + SMALL / 2, to += SMALL) {
        float scale = half_at(b);
        uint32_t high;
        memcpy(&high, b + 2, sizeof high);
        for (int i = 0; i < SMALL / 2; i++) {
            int low = (b[6 + i] & 15) | fifth_bit(high, i);
            int top = b[6 + i] >> 4 | fifth_bit(high, i + SMALL / 2);
            to[i] = scale * (float)(low - 16);
            to[i + SMALL / 2] = scale * (float)(top - 16);
        }
    }
}

void quant_q5_1(const void *from, size_t blocks, float *to)
{
    const uint8_t *b = from;
    for (; blocks > 0; blocks--, b += 8 + SMALL / 2, to += SMALL) {
        float scale = half_at(b), least = half_at(b + 2);
        uint32_t high;
        memcpy(&high, b + 4, sizeof high);
        for (int i = 0; i < SMALL / 2; i++) {
            int low = (b[8 + i] & 15) | fifth_bit(high, i);
            int top = b[8 + i] >> 4 | fifth_bit(high, i + SMALL / 2);
            to[i] = scale * (float)low + least;
            to[i + SMALL / 2] = scale * (float)top + least;
        }
    }
}

// The 6-bit scale and minimum of sub-block j (of 8), packed in 12 bytes: four of each in the low
// six bits of bytes 0-3 and 4-7; of the other four the low halves in bytes 8-11, the top two bits
// above the first.
static void packed_scale(const uint8_t *s, int j, int *scale, int *least)
{
    if (j < 4) {
        *scale = s[j] & 63;
        *least = s[j + 4] & 63;
    } else {
        *scale = (s[j + 4] & 15) | s[j - 4] >> 6 << 4;
        *least = s[j + 4] >> 4 | s[j] >> 6 << 4;
    }
}

void quant_q4_k(const void *from, size_t blocks, float *to)
{
    const uint8_t *b = from;
    for (; blocks > 0; blocks--, b += 16 + SUPER / 2, to += SUPER) {
        float d = half_at(b), dmin = half_at(b + 2);
        for (int j = 0; j < 8; j++) {
            const uint8_t *q = b + 16 + j / 2 * 32;
            int scale, least;
            packed_scale(b + 4, j, &scale, &least);
            float step = d * (float)scale, offset = dmin * (float)least;
            for (int i = 0; i < 32; i++)
                to[j * 32 + i] = step * (float)(j % 2 ? q[i] >> 4 : q[i] & 15) - offset;
        }
    }
}

void quant_q5_k(const void *from, size_t blocks, float *to)
{
    const uint8_t *b = from;
    for (; blocks > 0; blocks--, b += 16 + SUPER / 8 + SUPER / 2, to += SUPER) {
        float d = half_at(b), dmin = half_at(b + 2);
        const uint8_t *high = b + 16;
        for (int j = 0; j < 8; j++) {
            const uint8_t *q = b + 48 + j / 2 * 32;
            int scale, least;
            packed_scale(b + 4, j, &scale, &least);
            float step = d * (float)scale, offset = dmin * (float)least;
            for (int i = 0; i < 32; i++) {
                int low = j % 2 ? q[i] >> 4 : q[i] & 15;
                to[j * 32 + i] = step * (float)(low | (high[i] >> j & 1) << 4) - offset;
            }
        }
    }
}

void quant_q6_k(const void *from, size_t blocks, float *to)
{
    const uint8_t *b = from;
    for (; blocks > 0; blocks--, b += SUPER / 2 + SUPER / 4 + SUPER / 16 + 2, to += SUPER) {
        const uint8_t *low = b, *high = b + SUPER / 2;
        const int8_t *scale = (const int8_t *)(b + SUPER / 2 + SUPER / 4);
        float d = half_at(b + SUPER / 2 + SUPER / 4 + SUPER / 16);
        for (int i = 0; i < SUPER; i++) {
            int half = i / 128, quarter = i % 128 / 32,
                k = i % 32; // four quarters share the high bits
            int four = low[half * 64 + quarter % 2 * 32 + k] >> quarter / 2 * 4 & 15;
            int two = high[half * 32 + k] >> 2 * quarter & 3;
            to[i] = d * (float)scale[i / 16] * (float)((four | two << 4) - 32);
        }
    }
}
