// SPDX-License-Identifier: Apache-2.0
// Means over what was measured, for key numbers: what is NAN is left out, and counted nowhere.
#ifndef STAGES_DRAWING_TALLY_H
#define STAGES_DRAWING_TALLY_H

#include <stdint.h>

typedef struct tally {
    double sum, squares;
    int64_t n;
} tally;

void tally_add(tally *t, double value);
double tally_mean(const tally *t);
double tally_std(const tally *t);   // of the population
double tally_error(const tally *t); // of the mean; NAN of fewer than two

#endif
