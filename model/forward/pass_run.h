// SPDX-License-Identifier: Apache-2.0
// A pass from the load of its tile to its results.
#ifndef MODEL_FORWARD_PASS_RUN_H
#define MODEL_FORWARD_PASS_RUN_H

#include "model/forward/handover.h"
#include "model/forward/pass.h"
#include "pipeline/base/status.h"

// Runs tile `index` of p->f from its load to its results; with a team, this member's part of the
// next tile that comes. Errors as model_forward. Local.
status pass_run(pass *p, int64_t index);

// Its parts, for what runs several tiles as one (model/device). Loads tile p->index, numbers its rows
// in p->position, and looks over what the callback filled in. Errors as model_forward.
status pass_load(pass *p);
// Sets what follows from the tile that is in p: its rows, and where they are rotated to.
void pass_begin(pass *p);
// Runs this member's layers on p->hidden.
status pass_layers(pass *p, const layer_span *mine);

#endif
