// SPDX-License-Identifier: Apache-2.0
// The tile instructions that products_amx.c is written in: eight registers of 16 rows by 64 bytes.
// A test plays them in plain C instead (tests/unit/model/amx_emulated_tiles.h). Registers are numbers in
// the code, for they are part of the instructions.
#ifndef MODEL_KERNELS_AMX_TILES_H
#define MODEL_KERNELS_AMX_TILES_H

#include <stdbool.h>
#include <stdint.h>

#if defined(__x86_64__)
#include <cpuid.h>
#include <immintrin.h>
#include <sys/syscall.h>
#include <unistd.h>

#define TILES __attribute__((target("amx-tile,amx-bf16")))

// Has the CPU tiles of bf16, and does the system let this process use them? The registers are
// large, so that Linux gives them only to who asks (arch_prctl, ARCH_REQ_XCOMP_PERM, XTILEDATA).
static inline bool tiles_have(void)
{
    const unsigned amx_bf16 = 1u << 22, amx_tile = 1u << 24;
    enum { REQUEST = 0x1023, TILE_DATA = 18 };
    unsigned a, b, c, d = 0;
    return __get_cpuid_count(7, 0, &a, &b, &c, &d) && (d & amx_bf16) && (d & amx_tile) &&
           syscall(SYS_arch_prctl, REQUEST, TILE_DATA) == 0;
}

// All registers get 16 rows of 64 bytes.
TILES static inline void tiles_begin(void)
{
    struct {
        uint8_t palette, start_row, reserved[14];
        uint16_t bytes[16];
        uint8_t rows[16];
    } shape = {.palette = 1};
    for (int t = 0; t < 8; t++) {
        shape.bytes[t] = 64;
        shape.rows[t] = 16;
    }
    _tile_loadconfig(&shape);
}

// Gives them back: a thread whose registers are empty costs nothing when the system switches.
TILES static inline void tiles_end(void)
{
    _tile_release();
}

// Compilers do not know which memory the instructions touch: around them it must be as written.
#define TILES_FENCE() __asm__ volatile("" ::: "memory")

#define tile_zero(t)                 _tile_zero(t)
#define tile_load(t, from, bytes)    _tile_loadd(t, from, bytes)
#define tile_store(t, to, bytes)     _tile_stored(t, to, bytes)
#define tile_multiply_add(sum, x, w) _tile_dpbf16ps(sum, x, w)

#endif
#endif
