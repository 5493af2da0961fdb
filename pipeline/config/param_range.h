// SPDX-License-Identifier: Apache-2.0
// Ranges in lists of numbers: "0.01:0.99:0.01" is FIRST:LAST:STEP, both ends included.
#ifndef PIPELINE_CONFIG_PARAM_RANGE_H
#define PIPELINE_CONFIG_PARAM_RANGE_H

#include "pipeline/base/arena.h"
#include "pipeline/base/status.h"
#include "pipeline/config/yaml_tree.h"

// A node whose ranges are written out: the scalar, or each item of the list, that has two colons
// becomes the numbers it stands for, as scalars of its place, in decimals (0.07, not
// 0.07000000000000001); so a range and the list it stands for are the same value. *out is `n`
// itself where there is none. Owned by `memory`. Local. ERR_USAGE with the place where a range is
// not of three numbers, goes backwards, or has more than RANGE_NUMBERS.
enum { RANGE_NUMBERS = 100000 };
status param_range_expand(arena *memory, const char *name, const node *n, const node **out);

#endif
