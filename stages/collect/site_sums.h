// SPDX-License-Identifier: Apache-2.0
// What a unit of `collect` gathers at one site, for one subset: the statistics of every neuron in
// exact integers, and the firing bits of sampled tokens. Several threads add to it, tile by tile,
// in any order, with the same result.
#ifndef STAGES_COLLECT_SITE_SUMS_H
#define STAGES_COLLECT_SITE_SUMS_H

#include <stddef.h>
#include <stdint.h>

#include "model/model.h"
#include "pipeline/base/fixed.h"
#include "pipeline/base/status.h"
#include "stages/collect/moments.h"

typedef struct site_sums site_sums;

// A thread's scratch: the sums of the block in hand.
typedef struct block_sums block_sums;
// For blocks of at most `width` neurons. Owned by the caller. Fails when out of memory.
status block_sums_new(int width, block_sums **out);
void block_sums_free(block_sums *b); // NULL is a no-op
size_t block_sums_bytes(int width);

// What is summed: layers of `width` neurons; words of FIRING_BITS firing bits a neuron (0: none);
// bins of its histogram (HISTOGRAM_BINS, or 0: none); experts of a layer, where a neuron has
// activations only for the tokens that are routed to its own (0: for all).
typedef struct site_shape {
    int layers, width, experts, bins;
    int64_t words;
} site_shape;

// All zeros, for a unit: made where *own is NULL, and owned by the caller; else of that shape
// already. Fails when out of memory.
status site_sums_begin(const site_shape *shape, site_sums **own);
void site_sums_free(site_sums *s); // NULL is a no-op
// What _begin allocates, for estimates.
size_t site_sums_bytes(const site_shape *shape);

// Rows whose firing is wanted: row[i] is bit first_bit + i. Ascending.
typedef struct sampled_rows {
    const int64_t *row; // borrowed; of the subset, of which `before` rows come before the block's
                        // row 0 (of the tile, where a block has a list of rows)
    int64_t n, first_bit, before;
} sampled_rows;

// Adds a block: each neuron's sums over its rows, each rounded once to fixed point, counts by bin,
// and bits for x > 0; those of rows that the block has not stay 0. `where` starts the message of ERR_NUMERIC (NaN,
// or a sum out of range: with layer and unit). Several threads may call it at once, each with scratch
// of its own.
status site_sums_add(site_sums *s, block_sums *scratch, const site_block *block,
                     const sampled_rows *sampled, const char *where);

// Adds sums that a model has made itself. Several threads may call it at once.
void site_sums_add_totals(site_sums *s, const site_totals *t);

// [layers × experts] rows of each expert. Borrowed.
const int64_t *site_sums_routed(const site_sums *s);
// [layers × width] sums, counts of x > 0, and [layers × width × words] bits: bit t of a neuron is
// bit t % FIRING_BITS of word t / FIRING_BITS; [layers × width × bins] counts. Borrowed.
const fixed *site_sums_sum(const site_sums *s, moment m);
const int64_t *site_sums_positive(const site_sums *s);
const int64_t *site_sums_firing(const site_sums *s);
const int64_t *site_sums_histogram(const site_sums *s);

#endif
