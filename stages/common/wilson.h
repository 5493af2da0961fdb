// SPDX-License-Identifier: Apache-2.0
// Confidence interval of a share (E. B. Wilson, "Probable inference, the law of succession, and
// statistical inference", JASA 1927): unlike the normal one it stays inside [0, 1] and is not empty
// at 0 and 1.
#ifndef STAGES_COMMON_WILSON_H
#define STAGES_COMMON_WILSON_H

#include <stdint.h>

// The 95% interval of hits ÷ n, 0 <= hits <= n. [0, 1] where n is 0.
void wilson_interval(int64_t hits, int64_t n, double *low, double *high);

#endif
