// SPDX-License-Identifier: Apache-2.0
// The values of the artefact of `prune`, from its last round. Their variables: see prune.c.
#ifndef STAGES_PRUNE_PRUNE_OUTPUT_H
#define STAGES_PRUNE_PRUNE_OUTPUT_H

#include "stages/prune/answer_measures.h"
#include "stages/prune/prune_round.h"

enum { BASE_ACCURACY, BASE_LOW, BASE_HIGH, BASE_LOSS, BASE_VARIABLES };
enum {
    ACCURACY,
    ACCURACY_LOW,
    ACCURACY_HIGH,
    RATIO,
    LOSS,
    ACCURACY_RANDOM,
    RATIO_RANDOM,
    RATIO_RANDOM_STD,
    CROSS_VARIABLES
};
enum { CONTROL_ACCURACY, CONTROL_RATIO, CONTROL_RATIO_STD, CONTROL_VARIABLES };
enum { TRACE_FRACTION, TRACE_ACCURACY, TRACE_SAMPLES, TRACE_VARIABLES };

// Values of the artefact's variables, named as there. Owned.
typedef struct prune_output {
    double *fraction;               // [forget]
    int64_t *pruned;                // [forget]
    int8_t *reached;                // [forget]
    double *base[BASE_VARIABLES];   // [subset]
    int64_t *samples;               // [subset]
    int64_t *counted;               // [subset]; NULL without a skip list
    double *cross[CROSS_VARIABLES]; // [forget, subset]
    // [forget, subset]: of the kinds asked but PRUNED_TOP and PRUNED_UNIFORM, which are in `cross`;
    // NULL: not asked, or without a deviation
    double *control[PRUNED_KINDS][CONTROL_VARIABLES];
    double *trace[TRACE_VARIABLES]; // [forget, probe]
    // NULL where it has no meaning: images, no skip list
    double *more_base[ANSWER_MEASURES]; // [subset]
    double *more[ANSWER_MEASURES];      // [forget, subset]
    int64_t probes;
    int8_t *mask[SITES]; // [forget, layer, unit]; NULL where the site is not pruned
} prune_output;

// Computes all values from the last round's vector and sum. Local. Fails when out of memory;
// prune_output_free is safe then too.
status prune_output_make(const prune_setting *s, const round_state *finished, const partial *sum,
                         prune_output *out);
// Frees what it owns; safe on {0}.
void prune_output_free(prune_output *o);

#endif
