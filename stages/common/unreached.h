// SPDX-License-Identifier: Apache-2.0
// Experts of a sparse model that no token of a subset is routed to: nothing is known of their
// neurons, whose statistics and scores are NaN. An artefact says so in words.
#ifndef STAGES_COMMON_UNREACHED_H
#define STAGES_COMMON_UNREACHED_H

#include <stdint.h>

#include "pipeline/store/artefact.h"

// What is counted: tokens[subsets, layers, experts].
typedef struct routing_shape {
    int64_t subsets, layers, experts;
} routing_shape;

// The attribute `unreached` of the artefact, "3 experts in 2 layers (german); ...", where there are
// any: how many experts have a count of 0, of which subset. Local. Fails when out of memory.
status unreached_note(const routing_shape *u, const char *const *subset, const int64_t *tokens,
                      artefact_writer *w);

#endif
