// SPDX-License-Identifier: Apache-2.0
// What the passes of a search come back to: the hidden states behind the attention of the first
// layer, where every mask of MLP neurons begins to differ (a selection over all layers nearly
// always prunes in the first), and that layer's activated units, of which a mask takes some. A rank
// keeps those of the tiles it has run, up to KEPT_BYTES for all tasks of a model together, and
// gives the same bits as computing them again.
#ifndef STAGES_COMMON_HIDDEN_CACHE_H
#define STAGES_COMMON_HIDDEN_CACHE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/model.h"
#include "pipeline/base/digest.h"
#include "stages/common/tiling.h"

enum { KEPT_BYTES = 128 << 20 };

typedef struct kept_tiles kept_tiles;

// What the tasks of a model keep; {0} is empty.
typedef struct kept_store {
    atomic_size_t bytes; // of all that is kept
    kept_tiles *first;   // owned: a list
} kept_store;

// The tiles of `cuts`; tasks with the same digest of their data share them. To be closed before the
// store ends, which it borrows. Local; not from several threads.
status kept_open(kept_store *s, const char data[DIGEST_HEX], const tiling *cuts,
                 const model_info *info, kept_tiles **out);
void kept_close(kept_tiles *k); // NULL is a no-op

// Are all tiles of a run kept? Not while they run.
bool kept_has(const kept_tiles *k, tile_run run);
// Keeps tile `i`, [rows, hidden_size], and its targets, where there is room and memory. One thread
// a tile.
void kept_put(kept_tiles *k, int64_t i, const tile *t, const float *hidden);
// Room for the activated units of tile `i` in that layer, [rows, d_mlp] values of `each` bytes,
// under the same limit; NULL where there is none. One thread a tile.
model_neurons *kept_units(kept_tiles *k, int64_t i, const tile *t, size_t each);
// Its targets and its number of samples, which are all that a pass wants of an image; its states.
void kept_load(const kept_tiles *k, int64_t i, tile *t);
void kept_get(const kept_tiles *k, int64_t i, float *hidden);

// The most that is kept of so many rows, units included.
double kept_bytes(const model_info *info, int64_t rows);

#endif
