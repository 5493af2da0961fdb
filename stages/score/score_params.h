// SPDX-License-Identifier: Apache-2.0
// The parameters of `score`, and what is asked of them before any work.
#ifndef STAGES_SCORE_SCORE_PARAMS_H
#define STAGES_SCORE_SCORE_PARAMS_H

#include "pipeline/stage.h"

extern const param_def score_params[];

// Is `retain` this one word?
bool score_params_retain(const params *p, const char *word);
// Is there anything to compare a subset with, of so many? auc leaves the subset itself out.
// ERR_USAGE at the parameter.
status score_params_rest(const task *t, int64_t subsets);
// stage_def.check: parameters that exclude each other.
status score_params_check(const task *t);
// stage_def.foresee: names of `retain` that no subset of the dataset has, and one subset alone.
status score_params_foresee(const task *t);

#endif
