// SPDX-License-Identifier: Apache-2.0
// The search of `prune`: bisects how many neurons of a ranking to prune until a subset's accuracy
// falls into [target - tolerance, target], target = (1 - drop) · the unpruned accuracy
// (docs/design.md, Numbers). No model and no engine here: a caller prunes `at` neurons, answers the
// subset's samples in their order, prefix by prefix, and tells what came out.
#ifndef STAGES_PRUNE_BISECTION_H
#define STAGES_PRUNE_BISECTION_H

#include <stdint.h>

// What a search looks for. Accuracies are correct ÷ total, of the same `total` answers every time.
typedef struct bisection_goal {
    int64_t neurons;             // of the ranking
    int64_t base_correct, total; // of the unpruned model; total > 0
    double drop, tolerance;      // shares: 0.5, 0.02
} bisection_goal;

typedef enum bisection_outcome {
    BISECTION_OPEN,
    BISECTION_REACHED, // the accuracy with `at` neurons pruned lies in the band
    BISECTION_NARROW,  // the bracket is one neuron wide; `at` is its lower end, whose accuracy is
                       // above the band
} bisection_outcome;

enum { BISECTION_MAX_PROBES = 64 }; // halving a bracket of fewer than 2^63 neurons takes fewer

enum { BISECTION_GRAIN = 100 }; // how much finer than all neurons most searches end

typedef struct bisection_probe {
    int64_t pruned, correct, seen; // seen < total where the exact bound ended it
} bisection_probe;

// After REACHED by a probe, `seen` is all answers; after an end without one it is 0.
// Made of int64 only, so that it travels as a piece of a round's vector.
typedef struct bisection {
    int64_t outcome;
    int64_t low, high; // the accuracy is above the band at `low`, and at `high` it is not, or not
                       // known
    int64_t at;        // neurons to prune next; the answer once closed
    int64_t step;      // prefixes of the running probe that were answered
    int64_t correct, seen;
    int64_t probes;
    bisection_probe probe[BISECTION_MAX_PROBES];
} bisection;

// Begins: at once REACHED with no neuron pruned where the unpruned accuracy lies in the band
// already (it is 0, or the drop is within the tolerance).
void bisection_begin(bisection *b, const bisection_goal *goal);

// Takes the answers of the running probe's next prefix: `correct` of `seen` more. The probe ends
// when all are seen, or before where the rest cannot change that its accuracy is above the band, or
// below: by the exact bound, all of them right or all wrong. Never where the band can still be met.
// An ended probe is recorded and moves the bracket.
void bisection_observe(bisection *b, const bisection_goal *goal, int64_t correct, int64_t seen);

// Probes that a search is likely to need still, the running one included: one for every halving
// down to a hundredth of the neurons, and, since most end before their bracket does, one while it
// goes on beyond that. 0 once closed.
int64_t bisection_ahead(const bisection *b, int64_t neurons);

// How many of n tiles have been answered after `step` prefixes: a quarter, half, all; of fewer than
// 8 half and all, of fewer than 3 all. Fixed, so that where a probe ends never depends on ranks.
int64_t bisection_prefix(int64_t tiles, int64_t step);

#endif
