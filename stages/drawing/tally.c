// SPDX-License-Identifier: Apache-2.0
// Sums of values and of their squares are enough: what is added up are percents of a few subsets.
#include "stages/drawing/tally.h"

#include <math.h>

void tally_add(tally *t, double value)
{
    if (isnan(value))
        return;
    t->sum += value;
    t->squares += value * value;
    t->n++;
}

double tally_mean(const tally *t)
{
    return t->n > 0 ? t->sum / (double)t->n : NAN;
}

double tally_std(const tally *t)
{
    const double mean = tally_mean(t);
    return t->n > 0 ? sqrt(fmax(t->squares / (double)t->n - mean * mean, 0)) : NAN;
}

double tally_error(const tally *t)
{
    return t->n > 1 ? tally_std(t) / sqrt((double)t->n - 1) : NAN;
}
