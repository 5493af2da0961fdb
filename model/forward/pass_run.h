// SPDX-License-Identifier: Apache-2.0
// A pass from the load of its tile to its results.
#ifndef MODEL_FORWARD_PASS_RUN_H
#define MODEL_FORWARD_PASS_RUN_H

#include "model/forward/pass.h"
#include "pipeline/base/status.h"

// Runs tile `index` of p->f from its load to its results; with a team, this member's part of the
// next tile that comes. Errors as model_forward. Local.
status pass_run(pass *p, int64_t index);

#endif
