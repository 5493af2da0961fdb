// SPDX-License-Identifier: Apache-2.0
// An artefact of `prune` as figures and key numbers need it: what is left of each subset, beside
// what controls leave, and which searches reached their goal.
#ifndef STAGES_FIGURES_PRUNING_H
#define STAGES_FIGURES_PRUNING_H

#include "stages/figures/figure.h"

// A way to prune as many neurons as a search found: a variable of its own, where the stage tried it.
typedef struct pruning_control {
    const char *variable; // of the ratio
    const char *title;    // of a panel: "as many neurons pruned at random"
    const char *words;    // in a sentence: "random neurons"
    bool rival;           // chosen for the subset too, so that it is no chance level
} pruning_control;

enum { PRUNING_CONTROLS = 4 };
extern const pruning_control pruning_controls[PRUNING_CONTROLS];

// All owned but `task`.
typedef struct pruning {
    const report_task *task;
    char **forget, **subset;
    int64_t forgets, subsets;
    double *fraction, *pruned, *reached; // [forget]
    double *ratio, *low, *high;          // [forget][subset]; low, high: its interval, or NaN
    double *control[PRUNING_CONTROLS];   // [forget][subset] the same of a control; NULL: not tried
    double *samples;                     // [subset] or NULL
    int64_t *own;                        // [forget] the same subset among those evaluated, or -1
    char **row;                          // [subset] how it is called in the figure
    bool *foreign;                       // [subset] of another dataset than what is unlearned
    double drop;                         // that was sought; NAN: a fraction was given
    double target;                       // that fraction; NAN: none
} pruning;

// Reads a finished task's; pruning_free is safe after a failure too, and on {0}. Local. ERR_INPUT.
status pruning_read(const report_task *t, pruning *p);
void pruning_free(pruning *p);

// Did the task search for a drop?
bool pruning_searches(const report_task *t);

// Is there anything to tell of this subset: was its goal reached?
bool pruning_reached(const pruning *p, int64_t forget);

// How much more the others keep than the subset itself, of `ratio` (the pruning's or a control's):
// a share of the unpruned accuracy, NAN where it cannot be said. *others gets what they keep.
double pruning_gap(const pruning *p, const double *ratio, int64_t forget, double *others);

// "mlp", "attn" or "both". Borrowed.
const char *pruning_site(const report_task *t);
// The same in a sentence: "MLP neurons". Borrowed.
const char *pruning_site_words(const report_task *t);

#endif
