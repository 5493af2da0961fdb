// SPDX-License-Identifier: Apache-2.0
// A transformer: its shape, its weights, and the one way to run it, over tiles of samples with
// readers and masks at its two sites. What an architecture adds is in model/arch.h.
//
// Words: L layers, H hidden_size, U units of a site (d_mlp, or heads × head_dim), R rows (tokens of
// a tile).
#ifndef MODEL_MODEL_H
#define MODEL_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/kernels/products.h"
#include "pipeline/base/pool.h"
#include "pipeline/base/relay.h"
#include "pipeline/base/share.h"
#include "pipeline/base/status.h"

typedef enum site {
    SITE_MLP, // input of the MLP output projection: after the activation; act(gate)·up where gated
    SITE_ATTN, // input of the attention output projection, head-major
    SITES,
} site;

extern const char *const site_names[SITES]; // "mlp", "attn"

typedef enum modality { MODALITY_IMAGE, MODALITY_TEXT } modality;

typedef enum compute { COMPUTE_F32, COMPUTE_BF16 } compute;

typedef struct model_info {
    const char *architecture; // "vit"; borrowed from the model
    modality modality;
    int layers, hidden_size, heads, kv_heads, head_dim, d_mlp;
    int outputs;                             // classes, or vocabulary
    int channels, image_height, image_width; // images
    int rows_per_image;                      // tokens of an image: patches + CLS
    int context;                             // text: the longest sample the positions allow
    int64_t parameters;
} model_info;

typedef struct model_options {
    const char *path; // folder or file
    bool random;      // weights drawn as the framework would initialise them
    uint64_t seed;    // of random
    compute compute;
    product_engine engine; // for tests; ENGINE_BEST otherwise
    bool light;            // configuration only: no weights are read or drawn
    int threads;           // that convert or draw the weights; 0 is 1
    relay *team; // ranks that hold the layers between them; NULL: this one holds all. Not looked
                 // at with `light`
} model_options;

typedef struct model model;

// Opens a model, or this member's part of it. Collective on the share's ranks (share NULL: this
// process alone), which are the same member of their teams; keeps no reference to `options`;
// borrows `share` and `team` until model_close. ERR_USAGE when the team has more ranks than the
// model has layers. ERR_INPUT names the file and what is
// wrong in it; a configuration field that would change the result and is not supported is refused
// by name. NaN or infinite weights are ERR_NUMERIC with tensor and index.
status model_open(const model_options *options, share *share, model **out);
void model_close(model *m);
const model_info *model_get_info(const model *m); // borrowed
// How the weights are held that products read, and so which library runs them.
packing model_products(const model *m);
// That library and its instructions, for provenance: "sulcus AVX-512-BF16", "OpenBLAS Haswell".
// `room` holds it.
const char *model_products_name(const model *m, char room[64]);
int model_site_width(const model_info *info, site s);

// Files whose bytes decide what the model is: the weights (not with `random`), config.json, and
// what its inputs need (preprocessor_config.json, tokenizer files). Calls add for each; stops at
// its first failure.
status model_files(const model_options *options, status (*add)(void *context, const char *path),
                   void *context);

// Layers [first, end).
typedef struct layer_range {
    int first, end;
} layer_range;

// The layers that this process holds: all of them without a team.
layer_range model_layers(const model *m);
// Those that member `part` of a team of `parts` runs in passes with or without the head, parts <=
// layers: every member at least one, and all about the same work. It holds both ranges: where the
// head is as much work as some layers, neighbours have a few layers in common.
layer_range model_part(const model_info *info, int part, int parts, bool head);

// Writes rows [0, d_mlp) of a layer's W_in [d_mlp, H] (ViT intermediate.dense; Llama up_proj) as
// float32: of any layer, held or not.
status model_w_in(const model *m, int layer, float *out);

// Floating-point operations of a forward pass of `rows` tokens in `samples` samples.
double model_operations(const model_info *info, int64_t samples, int64_t rows);
// Rows a tile should have where the data allow, to run near the products' best rate. Depends on the
// model only.
int64_t model_tile_rows(const model_info *info);
// Bytes a rank needs beside the weights: scratch of `threads` tiles of at most `rows` rows.
size_t model_scratch_bytes(const model_info *info, int threads, int64_t samples, int64_t rows);
// Bytes of the weights in the compute type.
size_t model_weight_bytes(const model_info *info, compute c);
// Bytes of what member `part` of a team of `parts` holds of them. Local; `m` may be light.
size_t model_part_bytes(const model *m, int part, int parts, compute c);

// Which neurons are pruned, compiled for running: pruned neurons leave the products (compacted
// weights), as far as MODEL_COMPACT_BYTES of copies go, the most heavily pruned layers first; in
// the other layers they are set to zero. NULL in `forward` prunes none.
typedef struct model_mask model_mask;
enum { MODEL_COMPACT_BYTES = 256 << 20 };

// pruned[s] is [L, U] bytes, 1 = pruned, or NULL for none at that site. Reads but does not keep
// them. Copies layers side by side on the pool's threads (NULL: in the caller).
status model_mask_new(const model *m, pool *p, const uint8_t *const pruned[SITES],
                      model_mask **out);
void model_mask_free(model_mask *mask);
// How many neurons of a layer's site it prunes.
int model_mask_pruned(const model_mask *mask, site s, int layer);
// Its memory: that of the copies and of the lists of pruned units.
size_t model_mask_bytes(const model_mask *mask);

// A fixed group of whole samples, run together. The runtime owns the arrays; `load` fills them. Of
// images the runtime itself sets `rows` and `first_row`.
typedef struct tile {
    int64_t samples, rows;
    int64_t *first_row; // [samples + 1]: where each sample's rows begin; the last is `rows`
    float *pixels;      // images: [samples, channels, height, width], preprocessed
    int32_t *ids;       // text: [rows]
    int32_t *target;    // images: [samples] labels; text: [rows] next tokens; -1 = not scored
} tile;

// A rectangle of a site's activations: all rows of a tile, some units of a layer. Pruned neurons
// read as 0.
typedef struct site_block {
    site site;
    int layer, first_unit, units;
    int64_t rows;
    const float *x; // x[row * stride + unit - first_unit]
    int64_t stride;
} site_block;

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

// A layer's MLP units of a tile as its down projection reads them: [rows, d_mlp] values of
// model_unit_bytes.
typedef struct model_units {
    void *x;
    bool made; // set by the pass that makes them
} model_units;

// Bytes of such a value; 0 where products may depend on how many outputs they make, so that kept
// units could differ from those that are computed.
size_t model_unit_bytes(const model *m);

typedef struct forward {
    void *context;
    int64_t tiles;
    int64_t max_samples, max_rows; // of any tile
    // Fills a tile (samples and rows at most the maxima). Called once a tile, on the thread that
    // runs it.
    status (*load)(void *context, int64_t index, int thread, tile *t);
    // Optional: sees every layer's activations at the sites in `read_sites`, layers ascending; a
    // layer's attn before its mlp.
    status (*read)(void *context, int64_t index, int thread, const tile *t,
                   const site_block *block);
    bool read_sites[SITES];
    // Optional: the answers of the scored rows, ascending. Without it neither head nor logits are
    // computed.
    status (*result)(void *context, int64_t index, int thread, const tile *t, const prediction *p,
                     int64_t n);
    // Optional: logits [outputs] of each scored row, for tests and for questions with few answers
    // (`candidates`: only those outputs, at most CANDIDATES and at most as many as there are).
    status (*logits)(void *context, int64_t index, int thread, const tile *t, int64_t row,
                     const float *logits);
    const int32_t *candidates;
    int n_candidates;
    const model_mask *mask;
    // Optional: begin at the input of layer `first_layer` (> 0) with hidden states [rows, H] from
    // load_hidden (tile already loaded); hand over those at the input of layer `keep_layer` (0 <=
    // keep_layer < L; only with keep_hidden).
    // Or both behind that layer's attention instead, at the input of its MLP, of any layer (0 too)
    // but the last: either of first_behind_attn and keep_behind_attn.
    int first_layer, keep_layer;
    bool first_behind_attn, keep_behind_attn;
    status (*load_hidden)(void *context, int64_t index, int thread, const tile *t, float *hidden);
    status (*keep_hidden)(void *context, int64_t index, int thread, const tile *t,
                          const float *hidden);
    // Optional, only with those: room to keep that layer's activated MLP units of the tile, which
    // are the same under every mask of MLP neurons, or NULL. Used with masks that compact the
    // layer, and where model_unit_bytes is not 0: made once, then taken over without a product.
    model_units *(*units)(void *context, int64_t index, const tile *t);
    // Optional: asked between layers; true ends the pass with ERR_INTERRUPTED.
    bool (*stopping)(void *context);
} forward;

// Runs all tiles, or with a team this member's layers of them: every member calls it with the same
// `f`, but for callbacks and context. The member that holds `first_layer` calls load (and
// load_hidden); each calls read for its own layers, the one that holds keep_layer keep_hidden, the
// last one result and logits; only the first one asks `stopping`, so that a pass is stopped for all
// or for none. A member may end a pass while later ones are still in it.
//
// Tiles run side by side on the pool's threads, each with single-threaded products,
// so that bits depend neither on the thread count nor on the order. Callbacks may come from any
// thread; a callback's failure ends the pass with its status. NaN in activations or logits is
// ERR_NUMERIC with layer and site. Local.
status model_forward(model *m, pool *p, const forward *f);

// Prints what a model folder or weight file holds (for `sulcus inspect`); *known = false when the
// path is neither.
status model_inspect(const char *path, bool *known);

#endif
