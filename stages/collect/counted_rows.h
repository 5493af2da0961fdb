// SPDX-License-Identifier: Apache-2.0
// Which tokens count: all but the first `skip` of each sample, whose activations may be of another
// size altogether (the first token of a text draws attention to itself).
#ifndef STAGES_COLLECT_COUNTED_ROWS_H
#define STAGES_COLLECT_COUNTED_ROWS_H

#include "stages/common/tile_source.h"

// Those of a subset. Local.
int64_t counted_rows(const tile_source *s, int subset, int64_t skip);
// Those of a tile.
int64_t counted_rows_of_tile(const tile *t, int64_t skip);
// row[i], ascending numbers among the counted rows of a subset, become their places among all its
// rows. Local.
void counted_rows_place(const tile_source *s, int subset, int64_t skip, int64_t n, int64_t *row);
// The first of a block's rows that is row `row` of the tile or a later one. Local.
int64_t counted_rows_find(const site_block *b, int64_t row);

#endif
