// SPDX-License-Identifier: Apache-2.0
// The artefact of `prune`, from its last round.
#ifndef STAGES_PRUNE_OUTPUT_H
#define STAGES_PRUNE_OUTPUT_H

#include "pipeline/artefact.h"
#include "stages/prune_round.h"

// Values of the artefact's variables, named as there. Owned.
typedef struct prune_output {
    double *fraction; // [forget]
    int64_t *pruned;  // [forget]
    int8_t *reached;  // [forget]
    double *base[4];  // [subset]; see prune_output.c
    int64_t *samples; // [subset]
    double *cross[8]; // [forget, subset]; likewise
    double *trace[3]; // [forget, probe]; likewise
    int64_t probes;
    int8_t *mask[SITES]; // [forget, layer, unit]; NULL where the site is not pruned
} prune_output;

// Computes all values from the last round's vector and sum. Local.
status prune_output_make(const prune_setting *s, const round_state *finished, const partial *sum,
                         prune_output *out);
// Describes the artefact; borrows `o` and the setting until it is stored.
status prune_output_describe(const prune_setting *s, const prune_output *o, artefact_writer *w);
// Frees what it owns; safe on {0}.
void prune_output_free(prune_output *o);

#endif
