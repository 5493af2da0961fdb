// SPDX-License-Identifier: Apache-2.0
// One thread's pass over one tile: the tile, its hidden states, and the scratch the blocks use.
// Laid out before the loop over tiles (workspace.h), reused for each.
#ifndef MODEL_FORWARD_PASS_H
#define MODEL_FORWARD_PASS_H

#include <stdbool.h>
#include <stdint.h>

#include "model/forward/forward.h"
#include "model/forward/largest.h"
#include "model/forward/predict.h"
#include "model/kernels/attention.h"
#include "model/kernels/products.h"

// Outputs whose logits are held at once.
enum { PASS_OUTPUTS = CANDIDATES };
// Rows that are normalised at once, and rounded while they are in the nearest cache.
enum { NORM_STEP = 8 };

// A sparse layer's rows by the experts that they are routed to; laid out where the model has some.
typedef struct routing {
    float *weight;         // [rows, experts] with which each takes part: the site `expert`
    int32_t *chosen;       // [rows, experts_per_token]
    int32_t *row;          // [rows × experts_per_token] those of expert 0, then of 1, ...
    int64_t *first;        // [experts + 1] where each expert's begin
    ranked_value *ranking; // [experts] of one row
    void *x;               // [rows, H] what an expert's rows read: float32 or bf16, as products
    float *y;              // [rows, H] and what it makes of them
} routing;

typedef struct pass {
    const model *m;
    const forward *f;
    struct device_pass
        *device; // its arrays there, where it is a device's (model/device); else NULL
    int thread;
    products *products; // borrowed from the model
    int64_t index;      // of the tile
    tile tile;

    // Rows of `hidden`: all of the tile's; from the last layer's queries on only those the head
    // reads (`head_row`) where nobody reads the others.
    int64_t rows;
    const int64_t *first_row; // [samples + 1] where each sample's rows of `hidden` begin
    int64_t *head_row;        // [head_rows] rows of the tile whose outputs are scored; of models
                              // with two heads, each sample's two
    int64_t *head_first;      // [samples + 1] where each sample's entries of head_row begin
    int64_t head_rows;
    bool resumed;           // this layer begins behind its attention: nothing is done before that
    model_neurons *neurons; // of this layer's MLP, where the caller keeps them; NULL: it does not
    bool narrow;            // this layer keeps the head's rows only
    bool sites_only; // this layer's output is not wanted: it ends with its last site that is read
    bool ended;      // and it has ended: the blocks do nothing more
    int mlp_block;   // neurons of the MLP that are projected down at once
    int mlp_step;    // and of them, those that are computed and read at once

    int64_t *position;      // [rows] of each row of `hidden`: its place in its sample
    int64_t *place;         // [rows] of the learned positions of masked models whose tokens of
                            // padding have none of their own
    float *rotary;          // text: [longest sample, dims], where positions are rotary; or [rows,
                            // dims], where they depend on the length of the sample
    float *windowed_rotary; // of layers with a window
    int64_t *turn;          // [rows] of each row of `hidden`: its row of these tables
    float *hidden;          // [rows, H]
    float *normed;          // [rows, H], or [NORM_STEP, H] and used again:
    bool normed_reused;     // where all products read bf16
    uint16_t *normed_half;  // [rows, H], its nearest bf16, where products read that; else NULL
    float *output;          // [rows, H] of a block, where it is held apart; else NULL
    float *q;               // [rows, heads × head_dim]; then the attn site
    float *k, *v;           // [tile rows, kv_heads × head_dim]
    void *site_copy; // for products (linear_operand): of a site's part, of queries, or of patches
    attention_workspace attention;
    float *mlp;  // [rows, mlp_block], or [rows, mlp_step] where site_copy takes the block
    float *gate; // [rows, mlp_step] where the MLP is gated
    routing routing;
    answer *answers;         // [head rows]
    float *logits;           // [head rows, outputs of a tile]
    float *whole;            // [outputs] of one row
    float *patches;          // images: [rows, channels × patch]; shares the memory of q, k, v, mlp
    prediction *predictions; // [head rows]; before the head has run, `rank` holds the target
} pass;

#endif
