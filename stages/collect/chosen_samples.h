// SPDX-License-Identifier: Apache-2.0
// Which samples a task collects on, in its artefact.
#ifndef STAGES_COLLECT_CHOSEN_SAMPLES_H
#define STAGES_COLLECT_CHOSEN_SAMPLES_H

#include "data/dataset/samples.h"
#include "pipeline/stage.h"

typedef struct chosen_samples {
    int64_t *count; // [subsets] owned
    uint8_t *bits;  // [subsets, bytes] owned
} chosen_samples;

// Describes them, where a seed has chosen; nothing where it has not. `c` must live until the
// artefact is stored; chosen_samples_free is safe after a failure too. Local.
status chosen_samples_describe(chosen_samples *c, const samples *s, int subsets,
                               artefact_writer *w);
void chosen_samples_free(chosen_samples *c);

#endif
