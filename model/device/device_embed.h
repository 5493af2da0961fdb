// SPDX-License-Identifier: Apache-2.0
// Where a pass on a device begins: from tokens or pixels to hidden states. As block_set.h has them.
#ifndef MODEL_DEVICE_DEVICE_EMBED_H
#define MODEL_DEVICE_DEVICE_EMBED_H

#include "model/forward/block_set.h"

status device_embed_tokens(pass *p, const token_embedding *e);
status device_add_positions(pass *p, const float *table, const int64_t *place, int64_t before);
status device_embed_patches(pass *p, const linear *projection);
status device_add_places(pass *p, const place_table *t);

#endif
