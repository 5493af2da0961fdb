// SPDX-License-Identifier: Apache-2.0
// The rounds of `prune`: what the vector between two rounds holds, and which masks and units follow
// from it. A pure function of the vector and of what every rank knows; no model runs here.
//
// Rounds: BASE answers every entry of the evaluation unpruned; SEARCH, as often as needed, answers
// the next prefix of the running probe of every open search; STEP collects of the model without what
// the steps before pruned, so that the next takes the most specific of what is left (recollect.h);
// FINAL answers every reported entry
// with the neurons found pruned, but for what the probe that found them has answered, and with as
// many of each other kind that is asked.
#ifndef STAGES_PRUNE_PRUNE_ROUND_H
#define STAGES_PRUNE_PRUNE_ROUND_H

#include "pipeline/stage.h"
#include "stages/prune/answers.h"
#include "stages/prune/bisection.h"
#include "stages/prune/evaluation.h"
#include "stages/prune/ranking.h"
#include "stages/recollect/recollect.h"

// What is pruned beside the most specific neurons, as many: any, as many in each site of each layer,
// the least specific ones, or the most specific by a second step's scores.
typedef enum prune_kind {
    PRUNED_TOP,
    PRUNED_UNIFORM,
    PRUNED_LAYER_MATCHED,
    PRUNED_LOWEST,
    PRUNED_RESPLIT,
    PRUNED_KINDS
} prune_kind;

// What every rank knows, from parameters and inputs. Borrowed.
typedef struct prune_setting {
    const model_info *info;
    const ranking *ranking;
    const evaluation *evaluation;
    bool search; // to a drop; else a fraction
    double drop, tolerance, fraction;
    int64_t seeds[PRUNED_KINDS]; // prunings of each kind; 0: none
    int64_t steps;               // with `again`: that the share is pruned in
    const recollect *again;      // scores between steps; NULL: all is pruned by the first ones
    bool own_values;             // what pruned neurons become depends on the subset to forget
} prune_setting;

enum { PHASE_BASE, PHASE_SEARCH, PHASE_FINAL, PHASE_STEP };

// Answers as a piece of the vector.
typedef struct round_answers {
    int64_t count[ANSWER_COUNTS];
    int64_t sum[ANSWER_SUMS][2]; // halves of a fixed, the low one first
} round_answers;

// The vector, made of int64 only: {phase}, base [entries], probed [forgets], search [forgets], and
// where there are steps, {how many are done}, and what they pruned, in its order [forgets, all].
typedef struct prune_view {
    int64_t *phase;
    round_answers *base;
    round_answers *probed; // of the running probe, or of the one that reached the goal
    bisection *search;
    int64_t *step, *taken; // NULL: there are no steps
    int64_t all;           // that the last step will have pruned for a subset
} prune_view;

// Reads a vector in place. Borrowed from the round.
prune_view prune_round_view(const prune_setting *s, const round_state *round);

// Puts what steps have pruned first in each subset's order, before a round is planned. Local. Fails
// when out of memory.
status prune_round_order(const prune_setting *s, const round_state *round, ranking *r);

// Where the searches stand, in a few words: probes that are done, targets that are reached.
void prune_round_tell(const prune_setting *s, const round_state *round, char *out, size_t size);

// A set of neurons to prune in a round.
typedef struct prune_mask {
    prune_kind kind;
    int64_t forget; // the subset whose order, or values, decide; -1: none (PRUNED_UNIFORM)
    int64_t seed;   // 0 <= seed < seeds[kind]
    int64_t pruned; // how many
} prune_mask;

// Tiles to answer with a mask of the plan; of STEP `run.first` is a unit of recollect.h.
typedef struct prune_unit {
    int64_t mask;
    tile_run run;
} prune_unit;

typedef struct prune_plan {
    prune_mask *mask; // owned
    prune_unit *unit; // owned
    int64_t masks, units;
    size_t mask_capacity, unit_capacity;
    int64_t longest; // tiles of any unit
} prune_plan;

// Derives the masks and units of a round. Units of a mask are consecutive, so that a rank compiles
// few masks. Owned by the caller. Local. Fails when out of memory.
status prune_plan_make(const prune_setting *s, const round_state *round, prune_plan *out);
void prune_plan_free(prune_plan *p);
// The mask's index, or -1 where the round has none of that kind (no neuron pruned).
int64_t prune_plan_find(const prune_plan *p, const prune_mask *m);
// That of a kind, beside a subset's.
prune_mask prune_mask_of(const prune_setting *s, prune_kind kind, int64_t forget, int64_t seed,
                         int64_t pruned);

// The partial: the counts of answers, then the sums, each by [mask, entry].
enum { PRUNE_COUNTS = 0, PRUNE_SUMS = ANSWER_COUNTS };
void prune_plan_shape(const prune_plan *p, const prune_setting *s, partial_shape *out);

// The round that follows a finished one; *done after FINAL. `finished` and `sum` are NULL before
// the first. Local. ERR_INPUT when a subset has no answer that can be scored.
status prune_round_next(const prune_setting *s, const round_state *finished, const partial *sum,
                        round_state *next, bool *done);

// The answers of [mask, entry] in a round's sum; mask -1: those of the unpruned model, which are in
// the vector. After FINAL also those that a probe has given: they are in the vector too. Local.
answers prune_round_answers(const prune_setting *s, const prune_view *view, const partial *sum,
                            int64_t mask, int64_t entry);
answers prune_round_final_answers(const prune_setting *s, const prune_view *view,
                                  const partial *sum, int64_t forget, int64_t mask, int64_t entry);

#endif
