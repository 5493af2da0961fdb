// SPDX-License-Identifier: Apache-2.0
// Learned positions of a square of patches, resampled for images of another size: bicubic, as
// PyTorch's interpolate has it.
#ifndef MODEL_FAMILIES_POSITIONS_H
#define MODEL_FAMILIES_POSITIONS_H

#include <stdbool.h>

// From a row of `from` positions one of `to`; antialiased, their filter is stretched where they
// become fewer, and is another cubic.
typedef struct resampling {
    int from, to;
    bool antialiased;
} resampling;

enum { POSITION_TAPS = 72, POSITION_SHRINK = 16 }; // `from` is at most so many times `to`

// The positions that make the one at `at`, and their weights. Returns how many.
int positions_taps(const resampling *r, int at, int index[POSITION_TAPS],
                   float weight[POSITION_TAPS]);

#endif
