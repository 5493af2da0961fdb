// SPDX-License-Identifier: Apache-2.0
// Rotary positions (Su et al., 2021): each pair (x[i], x[i + dims/2]) of a head's first `dims`
// values is rotated by position · frequency[i]; the others stay.
#ifndef MODEL_KERNELS_ROTARY_H
#define MODEL_KERNELS_ROTARY_H

#include <stdbool.h>
#include <stdint.h>

enum { ROTARY_MAX_DIVISORS = 128 };

// What is done to the frequencies theta^(-2i/dims) for texts longer than those of the training.
typedef enum rotary_kind {
    ROTARY_PLAIN,
    ROTARY_LLAMA3,  // those whose wavelength is above original ÷ low_factor are divided by factor,
                    // those below original ÷ high_factor are kept, between them both are mixed
    ROTARY_YARN,    // pairs that turn beta_fast times or more within `original` are kept, those
                    // that turn beta_slow times or less divided by factor, between them mixed
    ROTARY_DYNAMIC, // theta grows with samples longer than `original`
    ROTARY_LONG,    // divided by `divisor`, in samples longer than `original` by `long_divisor`
} rotary_kind;

typedef struct rotary {
    double theta;  // 0: no rotary positions
    int dims;      // values of a head that are rotated: even
    double linear; // every frequency is divided by it; 1: none
    double scale;  // cosines and sines are multiplied by it; 1: none
    rotary_kind kind;
    double factor, original;
    double low_factor, high_factor; // of llama3
    double beta_fast, beta_slow;    // of YaRN
    bool whole;                     // the bounds of its mixed pairs are whole numbers
    int divisors; // 0, or dims/2: what each frequency is divided by besides (GGUF's rope_freqs)
    float divisor[ROTARY_MAX_DIVISORS], long_divisor[ROTARY_MAX_DIVISORS];
} rotary;

// Do frequencies depend on the length of the sample?
bool rotary_by_length(const rotary *r);

// Fills table [positions, dims], for samples of `length` rows: of each position the dims/2 cosines,
// then the sines. Local.
void rotary_table(const rotary *r, int64_t length, int64_t positions, float *table);

// Rotates the first `dims` of the d values of each of `heads` heads of x [rows, stride]; row r by
// row turn[r] of the table, or r where that is NULL. Local.
void rotary_apply(const float *table, int dims, const int64_t *turn, int64_t rows, int heads, int d,
                  int64_t stride, float *x);

#endif
