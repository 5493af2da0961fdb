// SPDX-License-Identifier: Apache-2.0
// What the tasks of `prune` with the same model need not compute twice: answers of tiles
// (known_answers.h), and hidden states that passes begin at (hidden_cache.h). It is left with the
// model and only saves time: the bits are those of computing everything again.
#ifndef STAGES_PRUNE_PRUNE_CACHE_H
#define STAGES_PRUNE_PRUNE_CACHE_H

#include "pipeline/stage.h"
#include "stages/prune/answers.h"
#include "stages/prune/prune_round.h"

// A task's view of it. Any thread may call what is about tiles.
typedef struct prune_cache prune_cache;

// Borrows the task and the setting. Empty, and of no use, in a team, whose members answer in part
// only. Owned by the caller. Local. Fails when out of memory.
status prune_cache_open(const task *t, const prune_setting *s, prune_cache **out);
void prune_cache_close(prune_cache *c); // NULL is a no-op

// A digest of what is asked with these neurons [layers, width] pruned; NULL where a site is not.
// `value` says what they become, of subset `forget`. Local.
status prune_cache_ask(const prune_cache *c, uint8_t *const pruned[SITES], const ablation *value,
                       int64_t forget, char asked[DIGEST_HEX]);
// Copies the answers of a run's tiles to out[run.tiles]; false, and `out` is of no use, where not
// all are known. Local.
bool prune_cache_recall(const prune_cache *c, const char *asked, tile_run run, answers *out);
void prune_cache_remember(const prune_cache *c, const char *asked, tile_run run, const answers *a);
// For passes whose mask prunes no attention of the first layer. NULL where there is none: in a
// team, and of a model of one layer. Borrowed.
hidden_cache *prune_cache_hidden(const prune_cache *c);

#endif
