// SPDX-License-Identifier: Apache-2.0
// Statistics of sites. A thread has a neuron and takes a segment's rows in their order, so that a sum
// depends on the segment alone; sums of segments meet as integers, whose order does not matter. Read
// by nvcc and as C (grid.h).
#ifndef MODEL_CUDA_KERNELS_SITES_H
#define MODEL_CUDA_KERNELS_SITES_H

#include "model/cuda/grid.h"

// *to += the nearest multiple of 2^-60. Halves are made of the magnitude, where both are exact.
GRID_INLINE void add_fixed(device_fixed *to, double sum)
{
    const double whole = rint(fabs(sum) * 0x1p60), above = floor(whole * 0x1p-64);
    uint64_t low = (uint64_t)(whole - above * 0x1p64), high = (uint64_t)above;
    if (sum < 0) {
        low = ~low + 1;
        high = ~high + (low == 0);
    }
    const uint64_t before = grid_add(&to->low, low);
    grid_add((uint64_t *)&to->high, high + (before + low < before));
}

GRID_KERNEL(sum_segments, device_sums)
{
    const int pieces = (a.neurons + GRID_THREADS - 1) / GRID_THREADS;
    const device_segment s = a.segment[GRID_BLOCK / pieces];
    GRID_EACH_THREAD(t)
    {
        const int u = (int)(GRID_BLOCK % pieces) * GRID_THREADS + t;
        if (u >= a.neurons)
            continue;
        double sum[DEVICE_MOMENTS] = {0, 0, 0, 0};
        int64_t positive = 0;
        for (int64_t first = s.first; first < s.end; first += DEVICE_RUN) {
            const int64_t end = first + DEVICE_RUN < s.end ? first + DEVICE_RUN : s.end;
            float size = 0, value = 0, square = 0, root = 0;
            for (int64_t r = first; r < end; r++) {
                const float x = a.x[r * a.stride + u], magnitude = fabsf(x);
                size += magnitude;
                value += x;
                square += x * x;
                root += sqrtf(magnitude);
                positive += x > 0;
            }
            sum[0] += (double)size;
            sum[1] += (double)value;
            sum[2] += (double)square;
            sum[3] += (double)root;
        }
        int is_bad = 0;
        for (int m = 0; m < DEVICE_MOMENTS; m++)
            is_bad |= !(fabs(sum[m]) <= 0x1p60);
        if (is_bad) {
            grid_lower(a.bad, 1 + u);
            continue;
        }
        for (int m = 0; m < DEVICE_MOMENTS; m++)
            add_fixed(a.sum + m * a.neurons_apart + u, sum[m]);
        grid_add((uint64_t *)a.positive + u, (uint64_t)positive);
    }
}

static status ops_sums(device *d, const device_sums *a)
{
    const int64_t pieces = (a->neurons + GRID_THREADS - 1) / GRID_THREADS;
    if (a->segments > 0)
        GRID_RUN(d, sum_segments, a->segments * pieces, 1, *a);
    return grid_end(d, "sums");
}

enum {
    BINS = 64,          // of a neuron
    BIN_NEURONS = 32,   // of a block: their counts are in shared memory
    BIN_LOWEST = -10,   // exponent of the lowest |x| outside of the bins beside 0
    BIN_ROOT = 0x3504f3 // mantissa of the largest float32 below √2
};

GRID_INLINE int bin_of(float x)
{
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    const int exponent = (int)(bits >> 23 & 0xff) - 127;
    int m = 2 * (exponent - BIN_LOWEST) + ((bits & 0x7fffff) > BIN_ROOT) + 1;
    m = m < 0 ? 0 : m;
    m = m < BINS / 2 ? m : BINS / 2 - 1;
    return x > 0 ? BINS / 2 + m : BINS / 2 - 1 - m;
}

// Eight threads share a neuron, each with every eighth row.
GRID_KERNEL(count_bins, device_histogram)
{
    GRID_SHARED int32_t count[BIN_NEURONS][BINS + 1]; // + 1: neighbours lie in other banks
    const int pieces = (a.neurons + BIN_NEURONS - 1) / BIN_NEURONS;
    const int first = (int)(GRID_BLOCK % pieces) * BIN_NEURONS;
    const device_segment s = a.segment[GRID_BLOCK / pieces];
    GRID_EACH_THREAD(t)
    for (int i = t; i < BIN_NEURONS * BINS; i += GRID_THREADS)
        count[i / BINS][i % BINS] = 0;
    GRID_BARRIER();
    GRID_EACH_THREAD(t)
    {
        const int u = t % BIN_NEURONS;
        if (first + u < a.neurons)
            for (int64_t r = s.first + t / BIN_NEURONS; r < s.end; r += GRID_THREADS / BIN_NEURONS)
                grid_count(&count[u][bin_of(a.x[r * a.stride + first + u])]);
    }
    GRID_BARRIER();
    GRID_EACH_THREAD(t)
    for (int i = t; i < BIN_NEURONS * BINS; i += GRID_THREADS)
        if (count[i / BINS][i % BINS] > 0)
            grid_add((uint64_t *)a.count + (int64_t)first * BINS + i,
                     (uint64_t)count[i / BINS][i % BINS]);
}

static status ops_histogram(device *d, const device_histogram *a)
{
    const int64_t pieces = (a->neurons + BIN_NEURONS - 1) / BIN_NEURONS;
    if (a->segments > 0)
        GRID_RUN(d, count_bins, a->segments * pieces, 1, *a);
    return grid_end(d, "histogram");
}

enum { FIRING_ROWS = 64, FIRING_BITS = 56 }; // rows of a block; bits of a word

GRID_KERNEL(set_firing, device_firing)
{
    const int pieces = (a.neurons + GRID_THREADS - 1) / GRID_THREADS;
    const int first = (int)(GRID_BLOCK / pieces) * FIRING_ROWS;
    GRID_EACH_THREAD(t)
    {
        const int u = (int)(GRID_BLOCK % pieces) * GRID_THREADS + t;
        if (u >= a.neurons)
            continue;
        uint64_t *word = (uint64_t *)a.word + u * a.words, bits = 0;
        int64_t at = 0; // of `bits`: most bits of neighbours are of one word
        for (int i = first; i < first + FIRING_ROWS && i < a.n; i++) {
            const int64_t own = a.bit[i] / FIRING_BITS;
            if (bits && own != at)
                grid_set_bits(word + at, bits);
            bits = own != at ? 0 : bits;
            at = own;
            if (a.x[a.row[i] * a.stride + u] > 0)
                bits |= (uint64_t)1 << a.bit[i] % FIRING_BITS;
        }
        if (bits)
            grid_set_bits(word + at, bits);
    }
}

static status ops_firing(device *d, const device_firing *a)
{
    const int64_t pieces = (a->neurons + GRID_THREADS - 1) / GRID_THREADS;
    if (a->n > 0)
        GRID_RUN(d, set_firing, (a->n + FIRING_ROWS - 1) / FIRING_ROWS * pieces, 1, *a);
    return grid_end(d, "firing");
}

#endif
