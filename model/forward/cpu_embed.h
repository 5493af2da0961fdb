// SPDX-License-Identifier: Apache-2.0
// Where a pass on this machine's processors begins: from tokens or pixels to hidden states. As
// block_set.h has them. All local.
#ifndef MODEL_FORWARD_CPU_EMBED_H
#define MODEL_FORWARD_CPU_EMBED_H

#include "model/forward/block_set.h"

status cpu_embed_tokens(pass *p, const token_embedding *e);
status cpu_add_positions(pass *p, const float *table, const int64_t *place, int64_t before);
status cpu_embed_patches(pass *p, const linear *projection);
status cpu_add_places(pass *p, const place_table *t);

#endif
