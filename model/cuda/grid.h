// SPDX-License-Identifier: Apache-2.0
// One source for a kernel, built twice: by nvcc for devices, and as C for tests on a CPU, which plays
// a grid block by block and a block's threads one after another.
//
// A kernel is a row of phases. GRID_EACH_THREAD(t) { .. } is one: on a device each thread runs it
// once, on a CPU one loop runs it for all. GRID_BARRIER() stands between phases that share memory,
// never inside one. What a thread keeps from phase to phase is GRID_OWN(name), an array over threads
// on a CPU (a function with phases takes GRID_ALL(name), and has each thread's as GRID_AT); what lies
// outside of phases is the same for all threads. GRID_EACH_WARP(w) is a phase in which each warp goes
// its own way, and GRID_EACH_LANE(t, w) one of those of its threads. Fused multiply-adds are written
// as fmaf: nvcc is told to make none of its own, so that sums have the bits that they have in C.
#ifndef MODEL_CUDA_GRID_H
#define MODEL_CUDA_GRID_H

#include <math.h>
#include <stdint.h>
#include <string.h>

#include "model/cuda/ops.h"

enum {
    GRID_THREADS = 256, // of every block
    GRID_WARP = 32,
    GRID_COLUMNS = 4 * GRID_THREADS // of a row that one block does
};

// Given by who builds the kernels: OK, or the failure of the launches before.
status grid_end(device *d, const char *kernel);
// Likewise: ERR_INTERNAL with that line.
status grid_fail(device *d, const char *line);
// Likewise: has it what grid_warp.h multiplies with?
int grid_has_squares(const device *d);

// What a thread found largest: where equal, the lower index; index -1: nothing.
typedef struct grid_best {
    float value;
    int32_t index;
} grid_best;

#ifdef __CUDACC__
#include "model/cuda/names.h"

gpu_stream grid_stream(const device *d); // likewise: where they run

#define GRID_KERNEL(name, arguments) GRID_KERNEL_OF(name, arguments, 1)
// At least so many blocks share a multiprocessor: 65,536 / (256 · blocks) registers a thread.
#define GRID_KERNEL_OF(name, arguments, blocks)                                                    \
    static __global__ void __launch_bounds__(256, blocks) name(arguments a)
#define GRID_BLOCK          ((int64_t)blockIdx.x)
#define GRID_LEVEL          ((int)blockIdx.y)
#define GRID_SHARED         __shared__
#define GRID_ALIGNED        alignas(16)
#define GRID_EACH_THREAD(t) for (int t = (int)threadIdx.x, t##_once = 1; t##_once; t##_once = 0 * t)
#define GRID_EACH_WARP(w)                                                                          \
    for (int w = grid_uniform((int)threadIdx.x / GRID_WARP), w##_once = 1; w##_once;               \
         w##_once = 0 * w)
#define GRID_EACH_LANE(t, w)  GRID_EACH_THREAD(t)
#define GRID_BARRIER()        __syncthreads()
#define GRID_KEPT(type, name) type name
#define GRID_OWN(name, t)     name
#define GRID_ALL(name)        (&(name))
#define GRID_AT(all, t)       ((all)[0])
#define GRID_INLINE           static __device__ __forceinline__
#define GRID_BOTH             static __host__ __device__ __forceinline__ // the host asks too
#define GRID_UNROLL           _Pragma("unroll")
#define GRID_RUN(d, kernel, blocks, levels, arguments)                                             \
    kernel<<<dim3((unsigned)(blocks), (unsigned)(levels)), GRID_THREADS, 0, grid_stream(d)>>>(     \
        arguments)

#else

typedef struct grid_block {
    int64_t x;
    int y;
} grid_block;
#define GRID_KERNEL(name, arguments)            static void name(arguments a, grid_block block)
#define GRID_KERNEL_OF(name, arguments, blocks) GRID_KERNEL(name, arguments)
#define GRID_BLOCK                              (block.x)
#define GRID_LEVEL                              (block.y)
#define GRID_SHARED
#define GRID_ALIGNED          _Alignas(16)
#define GRID_EACH_THREAD(t)   for (int t = 0; t < GRID_THREADS; t++)
#define GRID_EACH_WARP(w)     for (int w = 0; w < GRID_THREADS / GRID_WARP; w++)
#define GRID_EACH_LANE(t, w)  for (int t = (w)*GRID_WARP; t < ((w) + 1) * GRID_WARP; t++)
#define GRID_BARRIER()        ((void)0)
#define GRID_KEPT(type, name) type name[GRID_THREADS]
#define GRID_OWN(name, t)     name[t]
#define GRID_ALL(name)        (name)
#define GRID_AT(all, t)       ((all)[t])
#define GRID_INLINE           static inline
#define GRID_BOTH             static inline
#define GRID_UNROLL
#define GRID_RUN(d, kernel, blocks, levels, arguments)                                             \
    do {                                                                                           \
        (void)(d);                                                                                 \
        for (grid_block at = {0, 0}; at.y < (levels); at.y++)                                      \
            for (at.x = 0; at.x < (blocks); at.x++)                                                \
                kernel(arguments, at);                                                             \
    } while (0)
#endif

// Is `a` before `b` among the largest?
GRID_INLINE int grid_before(grid_best a, grid_best b)
{
    if (a.index < 0 || b.index < 0)
        return b.index < 0 && a.index >= 0;
    return a.value > b.value || (a.value == b.value && a.index < b.index);
}

#ifdef __CUDACC__
// Sums run as a tree over a warp's threads, then over warps in order; the same in the C below.
static __device__ float grid_sum(float mine)
{
    __shared__ float part[GRID_THREADS / GRID_WARP];
    for (int apart = GRID_WARP / 2; apart > 0; apart /= 2)
        mine += grid_from_lane(mine, apart);
    __syncthreads();
    if (threadIdx.x % GRID_WARP == 0)
        part[threadIdx.x / GRID_WARP] = mine;
    __syncthreads();
    float sum = 0;
    for (int i = 0; i < GRID_THREADS / GRID_WARP; i++)
        sum += part[i];
    return sum;
}

static __device__ grid_best grid_largest(grid_best mine)
{
    __shared__ grid_best part[GRID_THREADS / GRID_WARP];
    for (int apart = GRID_WARP / 2; apart > 0; apart /= 2) {
        grid_best other;
        other.value = grid_from_lane(mine.value, apart);
        other.index = grid_from_lane(mine.index, apart);
        mine = grid_before(other, mine) ? other : mine;
    }
    __syncthreads();
    if (threadIdx.x % GRID_WARP == 0)
        part[threadIdx.x / GRID_WARP] = mine;
    __syncthreads();
    for (int i = 0; i < GRID_THREADS / GRID_WARP; i++)
        mine = grid_before(part[i], mine) ? part[i] : mine;
    return mine;
}

// Integers, so the order of threads does not matter.
GRID_INLINE void grid_count(int32_t *at)
{
    atomicAdd(at, 1);
}
GRID_INLINE uint64_t grid_add(uint64_t *at, uint64_t n)
{
    return atomicAdd((unsigned long long *)at, (unsigned long long)n);
}
GRID_INLINE void grid_set_bits(uint64_t *at, uint64_t bits)
{
    atomicOr((unsigned long long *)at, (unsigned long long)bits);
}
// *at = n where it is 0 or above n.
GRID_INLINE void grid_lower(int32_t *at, int32_t n)
{
    int32_t seen = *(volatile int32_t *)at;
    while (seen == 0 || seen > n) {
        const int32_t before = atomicCAS(at, seen, n);
        if (before == seen)
            return;
        seen = before;
    }
}

#else

static inline int grid_uniform(int x)
{
    return x;
}

static inline float grid_sum(const float *each)
{
    float sum = 0, lane[GRID_WARP], next[GRID_WARP];
    for (int first = 0; first < GRID_THREADS; first += GRID_WARP) {
        memcpy(lane, each + first, sizeof lane);
        for (int apart = GRID_WARP / 2; apart > 0; apart /= 2) {
            for (int i = 0; i < GRID_WARP; i++)
                next[i] = lane[i] + lane[i ^ apart];
            memcpy(lane, next, sizeof lane);
        }
        sum += lane[0];
    }
    return sum;
}

static inline grid_best grid_largest(const grid_best *each)
{
    grid_best best = each[0];
    for (int t = 1; t < GRID_THREADS; t++)
        best = grid_before(each[t], best) ? each[t] : best;
    return best;
}

static inline void grid_count(int32_t *at)
{
    ++*at;
}
static inline uint64_t grid_add(uint64_t *at, uint64_t n)
{
    const uint64_t before = *at;
    *at += n;
    return before;
}
static inline void grid_set_bits(uint64_t *at, uint64_t bits)
{
    *at |= bits;
}
static inline void grid_lower(int32_t *at, int32_t n)
{
    *at = *at == 0 || *at > n ? n : *at;
}
#endif

// The nearest bf16, ties to even; NaN stays NaN.
GRID_INLINE uint16_t grid_bf16(float x)
{
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    if (x != x)
        return (uint16_t)(bits >> 16 | 0x40);
    return (uint16_t)((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}

GRID_INLINE void grid_store(void *to, int64_t at, device_type type, float x)
{
    if (type == DEVICE_BF16)
        ((uint16_t *)to)[at] = grid_bf16(x);
    else
        ((float *)to)[at] = x;
}

GRID_INLINE int grid_finite(float x)
{
    return x - x == 0;
}

// Where a block of the kernels that do rows piece by piece is: `pieces` blocks a row.
GRID_BOTH int64_t grid_pieces(int64_t width)
{
    return (width + GRID_COLUMNS - 1) / GRID_COLUMNS;
}
// Columns of thread t in its block's piece: for (c = first; c < width; ..) at most four of them.
#define GRID_EACH_COLUMN(c, t, piece, width)                                                       \
    for (int64_t c = (int64_t)(piece)*GRID_COLUMNS + (t),                                          \
                 c##_end = (int64_t)(piece + 1) * GRID_COLUMNS;                                    \
         c < c##_end && c < (width); c += GRID_THREADS)

#endif
