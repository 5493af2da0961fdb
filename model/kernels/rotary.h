// SPDX-License-Identifier: Apache-2.0
// Rotary positions (Su et al., 2021): each pair (x[i], x[i + d/2]) of a head is rotated by position
// · frequency[i].
#ifndef MODEL_KERNELS_ROTARY_H
#define MODEL_KERNELS_ROTARY_H

#include <stdint.h>

enum { ROTARY_MAX_DIVISORS = 128 };

// How frequencies follow from theta: frequency[i] = theta^(-2i/d), then scaled.
typedef struct rotary {
    double theta;
    double linear; // every frequency is divided by it; 1: none
    // Llama 3's scaling, where `factor` > 0: frequencies whose wavelength is above original ÷
    // low_factor are divided by factor, those below original ÷ high_factor are kept, and between
    // them both are mixed.
    double factor, low_factor, high_factor, original;
    int divisors; // 0, or d/2: what each frequency is divided by besides (GGUF's rope_freqs)
    float divisor[ROTARY_MAX_DIVISORS];
} rotary;

// Fills table [positions, d]: of each position the d/2 cosines, then the d/2 sines. Local.
void rotary_table(const rotary *r, int64_t positions, int d, float *table);

// Rotates each of `heads` heads of d values of x [rows, stride]; row r is at position position[r],
// or r where that is NULL. Local.
void rotary_apply(const float *table, const int64_t *position, int64_t rows, int heads, int d,
                  int64_t stride, float *x);

#endif
