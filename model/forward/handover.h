// SPDX-License-Identifier: Apache-2.0
// Where a pass crosses from one member of a team to the next: the tile, but for its pixels, and its
// hidden states as one block (pipeline/base/relay.h). All local.
#ifndef MODEL_FORWARD_HANDOVER_H
#define MODEL_FORWARD_HANDOVER_H

#include "model/config/layer_partition.h"
#include "model/forward/pass.h"
#include "pipeline/base/status.h"

// Which layers of a pass this member runs, and where its hidden states come from and go to.
typedef struct layer_span {
    layer_range layers; // may be empty
    bool any;           // this member has anything to do
    bool begins, ends;  // loads the tile; has no later member to hand it to
} layer_span;

// This member's span of a pass `f`.
layer_span handover_span(const model *m, const forward *f);

// Hands the tile and p->hidden to the next member. ERR_INTERNAL.
status handover_give(const pass *p);
// Takes the next tile of the previous member: index, tile and p->hidden. ERR_INTERNAL, and
// whatever ended the pass there.
status handover_take(pass *p);

#endif
