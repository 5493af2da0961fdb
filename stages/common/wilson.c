// SPDX-License-Identifier: Apache-2.0
// Centre and half width as in the header's paper, z^2 / n being the pull towards one half; the two
// ends are set apart, because rounding would miss them by a hair.
#include "stages/common/wilson.h"

#include <math.h>

void wilson_interval(int64_t hits, int64_t n, double *low, double *high)
{
    const double z = 1.959963984540054; // the normal distribution's 0.975 quantile
    *low = 0;
    *high = 1;
    if (n <= 0)
        return;
    double share = (double)hits / (double)n, weight = z * z / (double)n;
    double centre = (share + weight / 2) / (1 + weight);
    double half = z / (1 + weight) * sqrt((share * (1 - share) + weight / 4) / (double)n);
    // At 0 and n hits the bound is the share itself; rounding may leave it a little beside.
    *low = hits == 0 ? 0 : fmax(0, centre - half);
    *high = hits == n ? 1 : fmin(1, centre + half);
}
