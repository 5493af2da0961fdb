// SPDX-License-Identifier: Apache-2.0
// What the passes of a search come back to: the hidden states behind the attention of the first
// layer, where every mask of MLP neurons begins to differ (a selection over all layers nearly
// always prunes in the first), and that layer's activated neurons, of which a mask takes some. A
// rank keeps those of the tiles it has run, up to HIDDEN_CACHE_BYTES for all tasks of a model
// together; they have the same bits as computing them again.
#ifndef STAGES_PRUNE_HIDDEN_CACHE_H
#define STAGES_PRUNE_HIDDEN_CACHE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/model.h"
#include "pipeline/base/digest.h"
#include "stages/common/tiling.h"

enum { HIDDEN_CACHE_BYTES = 128 << 20 };

typedef struct hidden_cache hidden_cache;

// The caches of a model's tasks; {0} is empty.
typedef struct hidden_cache_store {
    atomic_size_t bytes; // of all of them
    hidden_cache *first; // owned: a list
} hidden_cache_store;

// The cache of the tiles of `cuts`; tasks with the same digest of their data share one, which lasts
// until the last of them closes it. To be closed before the store ends, which it borrows. Local;
// not from several threads. Fails when out of memory.
status hidden_cache_open(hidden_cache_store *s, const char data[DIGEST_HEX], const tiling *cuts,
                         const model_info *info, hidden_cache **out);
void hidden_cache_close(hidden_cache *c); // NULL is a no-op

// Any thread may call what follows.
//
// Are all tiles of a run in it? Local.
bool hidden_cache_has(const hidden_cache *c, tile_run run);
// Copies the states of tile `i`, [rows, hidden_size], and its targets, where the limit and memory
// allow and nobody else does. Local, cannot fail.
void hidden_cache_put(hidden_cache *c, int64_t i, const tile *t, const float *hidden);
// The activated neurons of tile `i` in that layer, [rows, d_mlp] values of `each` bytes: those that
// are made, or space for them under the same limit, for the first that asks; NULL where there is
// neither. Borrowed. Local.
model_neurons *hidden_cache_neurons(hidden_cache *c, int64_t i, const tile *t, size_t each);
// Fills in a tile's targets and its number of samples, which are all that a pass wants of images
// whose states are there; and the states themselves, [rows, hidden_size]. Only of tiles that it
// has. Local.
void hidden_cache_load(const hidden_cache *c, int64_t i, tile *t);
void hidden_cache_get(const hidden_cache *c, int64_t i, float *hidden);

// The most bytes that so many rows take, neurons included. For estimates.
double hidden_cache_bytes(const model_info *info, int64_t rows);

#endif
