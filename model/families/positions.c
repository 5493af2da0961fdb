// SPDX-License-Identifier: Apache-2.0
// PyTorch's two ways: four taps around the place, of which those beyond an edge are the edge's, by
// the cubic of a = -3/4; or all that lie under a filter of a = -1/2 as wide as the step, summing to
// 1, which is Pillow's.
#include "model/families/positions.h"

#include <math.h>

// The cubic convolution kernel.
static double cubic(double x, double a)
{
    x = fabs(x);
    if (x < 1)
        return ((a + 2) * x - (a + 3)) * x * x + 1;
    return x < 2 ? (((x - 5) * x + 8) * x - 4) * a : 0;
}

static int four_taps(const resampling *r, int at, int index[POSITION_TAPS],
                     float weight[POSITION_TAPS])
{
    const double place = (at + 0.5) * r->from / r->to - 0.5, first = floor(place);
    for (int k = 0; k < 4; k++) {
        const int own = (int)first - 1 + k;
        index[k] = own < 0 ? 0 : own < r->from ? own : r->from - 1;
        weight[k] = (float)cubic(place - (first - 1 + k), -0.75);
    }
    return 4;
}

int positions_taps(const resampling *r, int at, int index[POSITION_TAPS],
                   float weight[POSITION_TAPS])
{
    const double step = (double)r->from / r->to, wide = step > 1 ? step : 1;
    const double centre = (at + 0.5) * step;
    double sum = 0, own[POSITION_TAPS];
    if (!r->antialiased)
        return four_taps(r, at, index, weight);
    const int low = (int)(centre - 2 * wide + 0.5), first = low > 0 ? low : 0;
    const int high = (int)(centre + 2 * wide + 0.5), end = high < r->from ? high : r->from;
    int n = 0;
    for (; first + n < end && n < POSITION_TAPS; n++) {
        index[n] = first + n;
        own[n] = cubic((first + n - centre + 0.5) / wide, -0.5);
        sum += own[n];
    }
    for (int k = 0; k < n; k++)
        weight[k] = (float)(own[k] / sum);
    return n;
}
