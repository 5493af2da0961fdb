// SPDX-License-Identifier: Apache-2.0
// Real sums as 128-bit fixed point, unit 2^-60 (docs/design.md, Numbers): adding integers is exact and
// associative, so a sum does not depend on which rank or thread added what, in which order, or how
// often it was interrupted.
#ifndef PIPELINE_BASE_FIXED_H
#define PIPELINE_BASE_FIXED_H

#include <math.h>
#include <stdbool.h>

__extension__ typedef __int128 fixed;

#define FIXED_LIMIT                                                                                \
    0x1p60 // the largest magnitude one addend may have; sums are checked when they are added

// *out = x rounded to the nearest multiple of 2^-60; false for NaN, infinity or a magnitude above
// FIXED_LIMIT (then the caller fails with ERR_NUMERIC and names the place).
static inline bool fixed_from(double x, fixed *out)
{
    if (!(fabs(x) <= FIXED_LIMIT))
        return false;
    // Below 2^-8 the product with 2^60 has fraction bits: round them. Above, it is whole already.
    *out = (fixed)rint(x * 0x1p60);
    return true;
}

// The nearest double.
static inline double fixed_to(fixed x)
{
    return (double)x * 0x1p-60;
}

#endif
