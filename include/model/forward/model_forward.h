// SPDX-License-Identifier: Apache-2.0
// The one way to run a model.
#ifndef MODEL_FORWARD_MODEL_FORWARD_H
#define MODEL_FORWARD_MODEL_FORWARD_H

#include "model/forward/forward.h"
#include "pipeline/base/pool.h"
#include "pipeline/base/status.h"

// Runs all tiles, or with a team this member's layers of them: every member calls it with the same
// `f`, but for callbacks and context. The member that holds `first_layer` calls load (and
// load_hidden); each calls read for its own layers, the one that holds keep_layer keep_hidden, the
// last one result and logits; only the first one asks `stopping`, so that a pass is stopped for all
// or for none. A member may end a pass while later ones are still in it.
//
// Tiles run side by side on the pool's threads (NULL: in the caller), each with single-threaded
// products, so that bits depend neither on the thread count nor on the order. Callbacks may come
// from any thread; a callback's failure ends the pass with its status. NaN in activations or logits
// is ERR_NUMERIC with layer and site; ERR_INPUT: a token, target or candidate that the model does
// not have, or weight files that are no longer what they were. Local.
status model_forward(model *m, pool *p, const forward *f);

// How many tiles of at most so many samples and rows one call runs best: 1, but on a device a batch,
// which has as many as its memory holds or fewer.
int64_t model_tiles_together(const model *m, int64_t max_samples, int64_t max_rows);

#endif
