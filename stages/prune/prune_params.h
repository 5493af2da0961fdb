// SPDX-License-Identifier: Apache-2.0
// The parameters of `prune`, and what follows from them alone.
#ifndef STAGES_PRUNE_PRUNE_PARAMS_H
#define STAGES_PRUNE_PRUNE_PARAMS_H

#include <stdbool.h>
#include <stdint.h>

#include "pipeline/stage.h"
#include "stages/prune/prune_round.h"

extern const param_def prune_params[]; // ends with {0}

// Those that exclude each other. ERR_USAGE at the parameter.
status prune_params_check(const task *t);
// Are whole experts pruned?
bool prune_params_experts(const params *p);
// How many neurons of a model are ranked, if all layers are.
int64_t prune_params_neurons(const params *p, const model_info *info);
// What of them the model has no use for, before any work: a stage's `foresee`.
status prune_params_foresee(const task *t);
// How many steps there are with new scores between them; 1: none.
int64_t prune_params_steps(const params *p);
// How many prunings of each kind there are in the end.
void prune_params_seeds(const params *p, int64_t seeds[PRUNED_KINDS]);
// Which neurons are ranked. `choice` borrows the parameters, and *layers, which is owned by the
// caller; NULL where all layers are. ERR_USAGE at `layers` when the model has no such layer.
status prune_params_choice(const params *p, const model_info *info, bool **layers,
                           ranking_choice *choice);

#endif
