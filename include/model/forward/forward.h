// SPDX-License-Identifier: Apache-2.0
// What a caller gives to a forward pass and sees of it: tiles of samples, activations at the
// sites, answers.
#ifndef MODEL_FORWARD_FORWARD_H
#define MODEL_FORWARD_FORWARD_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "model/config/model_info.h"
#include "model/forward/model_mask.h"
#include "pipeline/base/fixed.h"
#include "pipeline/base/status.h"

// A fixed group of whole samples, run together. The runtime owns the arrays; `load` fills them. Of
// images the runtime itself sets `rows` and `first_row`.
typedef struct tile {
    int64_t samples, rows;
    int64_t *first_row; // [samples + 1]: where each sample's rows begin; the last is `rows`
    float *pixels;      // images: [samples, channels, height, width], preprocessed
    int32_t *ids;       // text: [rows]
    int32_t *target;    // images: [samples] labels; text: [rows] next tokens; -1 = not scored
} tile;

// A rectangle of a site's activations: rows of a tile, some neurons of a layer. Pruned neurons read
// as 0. At the mlp site of a sparse model a neuron has an activation only at the rows that are
// routed to its expert: a block has neurons of one expert, and those rows.
typedef struct site_block {
    site site;
    int layer, first_neuron, neurons;
    int64_t rows;
    const float *x; // x[i * stride + neuron - first_neuron] of the i-th of these rows
    int64_t stride;
    const int32_t *row; // [rows] those rows, ascending; NULL: all rows of the tile
} site_block;

// Sums over some rows of a pass, where a model makes them itself: of each neuron those of |x|, x, x²
// and √|x|, each tile's (with skip_first, each sample's) rounded once, and how many x are > 0. All
// borrowed.
enum { SITE_MOMENTS = 4 };
typedef struct site_totals {
    site site;
    int layer, first_neuron, neurons;
    int64_t rows;
    const fixed *sum[SITE_MOMENTS];
    const int64_t *positive;
    const int64_t *firing; // [neurons, firing_words] bits of x > 0, FIRING_BITS a word; of the mlp
                           // site, where they are wanted; else NULL
    const int64_t *histogram; // [neurons, HISTOGRAM_BINS] counts, where they are wanted; else NULL
} site_totals;

// Bits of a word of firing bits: whole bytes, without the sign.
enum { FIRING_BITS = 56 };
// Bin HISTOGRAM_BINS / 2 + m has x > 0 and the others x <= 0, bin HISTOGRAM_BINS / 2 - 1 - m; m is 0
// for |x| < 2^-10, then 1 + floor(2 log2|x| + 20), and 31 from 2^5 on. So bins ascend with x.
enum { HISTOGRAM_BINS = 64 };

enum { CANDIDATES = 2048 };     // at most in a pass
enum { PREDICTION_RANKS = 16 }; // ranks that are told apart: enough for Top-10

// How one scored row (an image; a position with a target) was answered.
typedef struct prediction {
    int64_t row;  // images: sample in the tile; text: row in the tile
    int32_t top1; // argmax over all outputs, the lower index first
    int32_t rank; // of the target: how many outputs have a larger logit, or an equal one and a
                  // lower index; 0 = Top-1. PREDICTION_RANKS stands for that many or more
    float loss;   // -ln softmax(target), nats
} prediction;

// A layer's MLP neurons of a tile as its down projection reads them: [rows, d_mlp] values of
// model_neuron_bytes. The caller's.
typedef struct model_neurons {
    void *x;
    atomic_bool made; // set by the pass that makes them; others see them only afterwards
} model_neurons;

// What a pass is asked to do. Every callback gets `context`, the tile's index and the number of the
// thread it comes from; what it is shown is borrowed for the call; a status that is not OK ends the
// pass. All pointers are the caller's.
typedef struct forward {
    void *context;
    int64_t tiles;
    int64_t max_samples, max_rows; // of any tile
    // Fills a tile (samples and rows at most the maxima). Called once a tile, on the thread that
    // runs it.
    status (*load)(void *context, int64_t index, int thread, tile *t);
    // Optional: sees every layer's activations at the sites in `read_sites`, layers ascending; a
    // layer's attn before its expert before its mlp. Of an expert without rows mlp is not shown.
    status (*read)(void *context, int64_t index, int thread, const tile *t,
                   const site_block *block);
    bool read_sites[SITES];
    // Optional, beside `read`: a model on a device calls it instead, with sums of the sites over
    // some tiles at a time, which together are all of them. Those leave out the first skip_first
    // rows of each sample.
    status (*totals)(void *context, int thread, const site_totals *t);
    int64_t skip_first;
    // With totals, and firing_words > 0: lists rows of a tile whose firing is kept, ascending, and
    // which bit each is, all different in the pass. Returns how many: at most the tile's rows.
    int64_t (*firing)(void *context, int64_t index, int32_t *row, int64_t *bit);
    int64_t firing_words;
    bool histogram; // with totals: counts by bin too
    // Optional: the answers of the scored rows, ascending. Without it neither head nor logits are
    // computed.
    status (*result)(void *context, int64_t index, int thread, const tile *t, const prediction *p,
                     int64_t n);
    // Optional: logits [outputs] of each scored row, for tests and for questions with few answers
    // (`candidates`: only those outputs, at most CANDIDATES and at most as many as there are).
    status (*logits)(void *context, int64_t index, int thread, const tile *t, int64_t row,
                     const float *logits);
    const int32_t *candidates; // NULL: all outputs
    int n_candidates;
    const model_mask *mask; // NULL: nothing is pruned
    // Only, and always, with a mask of model_mask_new_ablated: what pruned neurons become. Sets
    // x[i * block->stride + neuron[j] - block->first_neuron] of the block's rows, for its n pruned
    // neurons, ascending; x is block->x. Neurons that are pruned at the site `expert` become 0.
    status (*ablate)(void *context, int64_t index, int thread, const tile *t,
                     const site_block *block, const int32_t *neuron, int n, float *x);
    // Optional: begin at the input of layer `first_layer` (> 0) with hidden states [rows, H] from
    // load_hidden (tile already loaded); hand over those at the input of layer `keep_layer` (0 <=
    // keep_layer < L; only with keep_hidden).
    // Or both behind that layer's attention instead, at the input of its MLP, of any layer (0 too)
    // but the last: either of first_behind_attn and keep_behind_attn. (Where attention and MLP of a
    // layer are parallel, what is handed over is the layer's input all the same.)
    int first_layer, keep_layer;
    bool first_behind_attn, keep_behind_attn;
    status (*load_hidden)(void *context, int64_t index, int thread, const tile *t, float *hidden);
    status (*keep_hidden)(void *context, int64_t index, int thread, const tile *t,
                          const float *hidden);
    // Optional, only with those: a place for that layer's activated MLP neurons of the tile, which
    // are the same under every mask of MLP neurons, or NULL. Used with masks that compact the
    // layer, and where model_neuron_bytes is not 0: made once, by the one pass that is given them
    // before, then taken over without a product.
    model_neurons *(*neurons)(void *context, int64_t index, const tile *t);
    int lane; // of a team's relay: whose passes follow each other (pipeline/base/relay.h)
    // Optional: asked between layers; true ends the pass with ERR_INTERRUPTED.
    bool (*stopping)(void *context);
} forward;

#endif
