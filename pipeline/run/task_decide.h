// SPDX-License-Identifier: Apache-2.0
// Opened or summed -> in a round, or decided: what follows from a complete round.
#ifndef PIPELINE_RUN_TASK_DECIDE_H
#define PIPELINE_RUN_TASK_DECIDE_H

#include "pipeline/run/run_state.h"

// For each task that waits for its owner: the owner asks the stage what follows and, at the end,
// stores the artefact. Then all learn it: a new round is planned everywhere (round, vector, plan),
// a stored artefact is committed (task_commit.h), a failed task is ended.
// `save`: is it time to save the rounds that begin? Collective.
void task_decide_all(run *r, bool *save);

#endif
