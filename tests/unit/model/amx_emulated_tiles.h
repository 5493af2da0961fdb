// SPDX-License-Identifier: Apache-2.0
// The tile instructions of model/kernels/amx_tiles.h in plain C, for CPUs without them: eight
// registers of 16 rows by 64 bytes, and sums in the order that Intel's manual gives for TDPBF16PS:
// even and odd inputs apart, from the first pair to the last, then both together, then the tile's
// own value. An instruction between no tiles_begin and tiles_end aborts, as the CPU would.
#ifndef TESTS_UNIT_MODEL_AMX_EMULATED_TILES_H
#define TESTS_UNIT_MODEL_AMX_EMULATED_TILES_H

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define TILES
#define TILES_FENCE() ((void)0)

typedef struct tile_registers {
    bool begun;
    unsigned char row[8][16][64];
} tile_registers;

static _Thread_local tile_registers tiles;

static inline bool tiles_have(void)
{
    return true;
}

static inline void tiles_begin(void)
{
    memset(&tiles, 0, sizeof tiles);
    tiles.begun = true;
}

static inline void tiles_end(void)
{
    tiles.begun = false;
}

static inline void tile_check(void)
{
    if (!tiles.begun)
        abort();
}

static inline void tile_zero(int t)
{
    tile_check();
    memset(tiles.row[t], 0, sizeof tiles.row[t]);
}

static inline void tile_load(int t, const void *from, int64_t bytes)
{
    tile_check();
    for (int r = 0; r < 16; r++)
        memcpy(tiles.row[t][r], (const char *)from + r * bytes, 64);
}

static inline void tile_store(int t, void *to, int64_t bytes)
{
    tile_check();
    for (int r = 0; r < 16; r++)
        memcpy((char *)to + r * bytes, tiles.row[t][r], 64);
}

static inline float tile_bf16(const unsigned char *at)
{
    uint16_t half;
    float value;
    memcpy(&half, at, sizeof half);
    const uint32_t bits = (half & 0x7f80u) ? (uint32_t)half << 16 : 0; // denormals count as 0
    memcpy(&value, &bits, sizeof value);
    return value;
}

static inline void tile_multiply_add(int sum, int x, int w)
{
    tile_check();
    for (int r = 0; r < 16; r++)
        for (int o = 0; o < 16; o++) {
            float even = 0, odd = 0, own;
            for (int k = 0; k < 16; k++) {
                even += tile_bf16(&tiles.row[x][r][4 * k]) * tile_bf16(&tiles.row[w][k][4 * o]);
                odd +=
                    tile_bf16(&tiles.row[x][r][4 * k + 2]) * tile_bf16(&tiles.row[w][k][4 * o + 2]);
            }
            memcpy(&own, &tiles.row[sum][r][4 * o], sizeof own);
            own += even + odd;
            memcpy(&tiles.row[sum][r][4 * o], &own, sizeof own);
        }
}

#endif
