// SPDX-License-Identifier: Apache-2.0
// What `prune` tells of a language model's answers beside Top-1 and the mean loss. Of each measure
// the artefact has two variables: NAME_base(subset) of the unpruned model, and NAME(forget,
// subset).
#ifndef STAGES_PRUNE_ANSWER_MEASURES_H
#define STAGES_PRUNE_ANSWER_MEASURES_H

#include <stdbool.h>

#include "stages/prune/answers.h"

typedef struct answer_measure {
    const char *name, *long_name, *units; // of the variables
    bool skips;                           // only where there is a skip list
    bool questions; // has a meaning where only a question's choices are compared; else NaN there
    double (*of)(const answers *a);
} answer_measure;

// In the order of the artefact.
enum { ANSWER_MEASURES = 5 };
extern const answer_measure answer_measures[ANSWER_MEASURES];

#endif
